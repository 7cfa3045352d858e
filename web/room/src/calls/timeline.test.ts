import { expect, test } from "vitest";
import { itemsOf, longestAnswer, recordingBegan, secondsIn, turnAt } from "./timeline.ts";
import type { WholeCall } from "./types.ts";

const START = Date.parse("2026-03-02T09:30:00.000Z");
const at = (seconds: number) => new Date(START + seconds * 1000).toISOString();

const turn = (seconds: number, text: string, whole?: number) => ({
  at: at(seconds),
  role: whole === undefined ? "user" : "assistant",
  text,
  interrupted: false,
  parts: whole === undefined ? {} : { whole },
});

const CALL = {
  started_at: at(0),
  ended_at: at(60),
  turns: [turn(3, "Hello"), turn(5, "Good day", 0.7), turn(20, "Bye", 0.4)],
  tool_calls: [
    { at: at(4), tool: "look_up", arguments: {}, result: null, failed: false, seconds: 0.2 },
  ],
  events: [
    { at: at(1), kind: "state", details: { state: "active" } },
    { at: at(6), kind: "interruption", details: {} },
  ],
} as unknown as WholeCall;

test("turns, tools and events stand in the order in which they happened", () => {
  expect(itemsOf(CALL).map(({ key }) => key)).toEqual([
    "event-0",
    "turn-0",
    "tool-0",
    "turn-1",
    "turn-2",
  ]);
  expect(itemsOf(CALL)[1]?.after).toBe(3);
});

test("a recording begins when the call says so", () => {
  const told = { ...CALL, events: [{ at: at(2), kind: "recording", details: {} }] };
  expect(recordingBegan(told, 50)).toBe(START + 2000);
});

test("one that does not say so ends with the call, and begins no sooner than it", () => {
  expect(recordingBegan(CALL, 50)).toBe(START + 10_000);
  expect(recordingBegan(CALL, 500)).toBe(START);
});

test("what was said before the recording is not in it", () => {
  const began = START + 10_000;
  expect(secondsIn(began, 50, START + 5000)).toBeNull();
  expect(secondsIn(began, 50, START + 9500)).toBe(0);
  expect(secondsIn(began, 50, START + 20_000)).toBe(10);
  expect(secondsIn(began, 50, START + 61_000)).toBeNull();
});

test("the turn that is heard is the last that has begun", () => {
  const items = itemsOf(CALL);
  expect(turnAt(items, START, 1)).toBeNull();
  expect(turnAt(items, START, 3)).toBe("turn-0");
  expect(turnAt(items, START, 19.9)).toBe("turn-1");
  expect(turnAt(items, START, 500)).toBe("turn-2");
});

test("the longest answer is the scale of all", () => {
  expect(longestAnswer(CALL)).toBe(0.7);
  expect(longestAnswer({ ...CALL, turns: [] })).toBe(0);
});

import { expect, test } from "vitest";
import { NOTHING, shownEnd, shownEvent } from "./store.ts";
import { CONNECTION_LOST, NO_WORKER } from "./trouble.ts";

test("a tool that runs when the call ends has ended, too", () => {
  const tool = { kind: "tool", id: "c1", name: "book", state: "started", seconds: null } as const;
  const shown = shownEnd(shownEvent(NOTHING, tool, 2), null, 9);
  expect(shown.marks).toEqual([{ id: "c1", kind: "tool", label: "book", from: 2, to: 9 }]);
});

test("two interruptions are two marks", () => {
  const once = shownEvent(NOTHING, { kind: "interruption" }, 2);
  const twice = shownEvent(once, { kind: "interruption" }, 5);
  expect(twice.marks.map(({ from }) => from)).toEqual([2, 5]);
});

test("a failure is on the time line and among the words", () => {
  const shown = shownEvent(NOTHING, { kind: "failure", part: "voice", failure: "away" }, 3);
  expect(shown.marks[0]?.label).toBe("the voice failed");
  expect(shown.entries[0]).toMatchObject({ kind: "note", text: "the voice failed", at: 3 });
});

test("the first reason to end stands", () => {
  const ended = shownEnd(shownEnd(NOTHING, NO_WORKER, 1), CONNECTION_LOST, 2);
  expect(ended).toMatchObject({ trouble: NO_WORKER, seconds: 1 });
});

import { expect, test } from "vitest";
import {
  asText,
  beginning,
  clock,
  closed,
  divided,
  type Entry,
  withSegment,
  withTool,
  withTurn,
} from "./transcript.ts";

const user = { role: "user", at: 1 } as const;
const agent = { role: "assistant", at: 2 } as const;
const whole = { interrupted: false, unspoken: "", parts: null };

function words(entries: Entry[]): string[] {
  return entries.map((entry) =>
    entry.kind === "words" ? `${entry.state} ${entry.text}` : entry.kind,
  );
}

test("interims grow in one place, and a late one does not undo the final", () => {
  let entries = withSegment([], { ...user, id: "s1", text: "what are", final: false });
  entries = withSegment(entries, {
    ...user,
    id: "s1",
    text: "what are your hours",
    final: true,
    at: 3,
  });
  entries = withSegment(entries, { ...user, id: "s1", text: "what are your", final: false });
  expect(words(entries)).toEqual(["said what are your hours"]);
  expect(entries[0]?.at).toBe(1);
});

test("a turn takes the place of all its segments, and of nobody else's", () => {
  let entries = withSegment([], { ...user, id: "s1", text: "I would like", final: true });
  entries = withSegment(entries, { ...user, id: "s2", text: "an appointment.", final: true });
  entries = withSegment(entries, { ...agent, id: "s3", text: "Gladly", final: false });
  entries = withTurn(entries, { ...user, ...whole, id: "t1", text: "I would like an appointment" });
  expect(words(entries)).toEqual(["kept I would like an appointment", "said Gladly"]);
});

test("a turn that the ears wrote otherwise still replaces what was shown", () => {
  let entries = withSegment([], { ...user, id: "s1", text: "twelve", final: true });
  entries = withTurn(entries, { ...user, ...whole, id: "t1", text: "12" });
  expect(words(entries)).toEqual(["kept 12"]);
});

test("what comes behind its turn is not said twice", () => {
  let entries = withSegment([], { ...user, id: "s1", text: "what are your", final: false });
  entries = withTurn(entries, { ...user, ...whole, id: "t1", text: "what are your hours" });
  entries = withSegment(entries, { ...user, id: "s1", text: "what are your hours", final: true });
  entries = withTurn(entries, { ...user, ...whole, id: "t2", text: "yes please" });
  entries = withSegment(entries, { ...user, id: "s2", text: "yes please", final: true });
  entries = withSegment(entries, { ...user, id: "s3", text: "goodbye", final: true });
  expect(words(entries)).toEqual(["kept what are your hours", "kept yes please", "said goodbye"]);
});

test("an interrupted turn keeps what was heard apart from what was not", () => {
  let entries = withSegment([], { ...agent, id: "s1", text: "Once upon a", final: false });
  entries = withTurn(entries, {
    ...agent,
    id: "t1",
    text: "Once upon a",
    interrupted: true,
    unspoken: "time there was",
    parts: { think: 0.2 },
  });
  expect(entries).toEqual([
    {
      kind: "words",
      ...agent,
      id: "t1",
      text: "Once upon a",
      unspoken: "time there was",
      interrupted: true,
      state: "kept",
      parts: { think: 0.2 },
      segments: ["s1"],
    },
  ]);
});

test("the answer that has begun is not taken by the turn before it", () => {
  let entries = withSegment([], { ...agent, id: "s1", text: "Once upon a time", final: true });
  entries = withSegment(entries, { ...agent, id: "s2", text: "We are open", final: false });
  entries = withTurn(entries, { ...agent, ...whole, id: "t1", text: "Once upon a time." });
  expect(words(entries)).toEqual(["kept Once upon a time.", "said We are open"]);
  expect(divided(entries).changing).toHaveLength(1);
});

test("a turn without a segment stands where it came, and silence is no line", () => {
  let entries = withSegment([], { ...user, id: "s1", text: "  ", final: false });
  entries = withTurn(entries, { ...agent, ...whole, id: "t1", text: "Good day." });
  expect(words(entries)).toEqual(["kept Good day."]);
});

test("a tool is one entry from its start to its end", () => {
  let entries = withTool([], { id: "c1", name: "book", state: "started", seconds: null, at: 4 });
  entries = withTool(entries, { id: "c1", name: "book", state: "done", seconds: 0.3, at: 5 });
  expect(entries).toEqual([
    { kind: "tool", id: "c1", name: "book", state: "done", seconds: 0.3, at: 4 },
  ]);
});

test("the file says who, when, and what was cut off", () => {
  const said = withTurn([], { ...user, ...whole, id: "t1", text: "Hello", at: 61 });
  const cut = {
    ...agent,
    id: "t2",
    text: "Good",
    interrupted: true,
    unspoken: "day",
    parts: null,
    at: 62,
  };
  expect(asText(withTurn(said, cut), "receptionist")).toBe(
    "[1:01] You: Hello\n[1:02] receptionist: Good [cut off: day]\n",
  );
});

test("of what was cut off, the beginning is shown", () => {
  expect(beginning("Once upon a time", 2)).toBe("Once upon …");
  expect(beginning("Once upon", 2)).toBe("Once upon");
});

test("at the end nothing is left changing", () => {
  const entries = withSegment([], { ...user, id: "s1", text: "goodb", final: false });
  expect(divided(closed(entries)).changing).toEqual([]);
});

test.each([
  [0, "0:00"],
  [59.9, "0:59"],
  [600, "10:00"],
])("%f s is %s", (seconds, written) => {
  expect(clock(seconds)).toBe(written);
});

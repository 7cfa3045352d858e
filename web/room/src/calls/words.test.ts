import { expect, test } from "vitest";
import { clock, eventWord, isTrouble, outcomeWord, talked, whom, whomMasked } from "./words.ts";

test.each([
  [-1, "0:00"],
  [7.9, "0:07"],
  [754, "12:34"],
  [3723, "1:02:03"],
])("%f seconds are written %s", (seconds, written) => {
  expect(clock(seconds)).toBe(written);
});

test("a call was talked in from its answer to its end", () => {
  const answered_at = "2026-03-02T09:30:00.500Z";
  expect(talked({ answered_at, ended_at: "2026-03-02T09:31:00.500Z" })).toBe(60);
  expect(talked({ answered_at, ended_at: null })).toBeNull();
  expect(talked({ answered_at: null, ended_at: "2026-03-02T09:31:00Z" })).toBeNull();
});

test("what came of a call, or where it stands", () => {
  expect(outcomeWord({ outcome: "no_answer", state: "ended" })).toBe("No answer");
  expect(outcomeWord({ outcome: null, state: "active" })).toBe("Talking");
  expect(outcomeWord({ outcome: "novel", state: "ended" })).toBe("novel");
});

test("the other end of the line is the one that is not ours", () => {
  const ends = { from_number: "…42", to_number: "…00" };
  expect(whom({ ...ends, direction: "inbound" })).toBe("…42");
  expect(whom({ ...ends, direction: "outbound" })).toBe("…00");
  expect(whom({ ...ends, direction: "room" })).toBe("Test room");
  expect(whom({ direction: "inbound", from_number: null, to_number: null })).toBe(
    "Withheld number",
  );
});

test("in a list a number is its last two digits, and a name is left", () => {
  const ends = { direction: "inbound", to_number: null };
  expect(whomMasked({ ...ends, from_number: "+12025550142" })).toBe("…42");
  expect(whomMasked({ ...ends, from_number: "…42" })).toBe("…42");
  expect(whomMasked({ ...ends, from_number: null })).toBe("Withheld number");
});

test("an event is told in words, and one that nobody knows by its name", () => {
  expect(eventWord({ kind: "listened", details: { who: "Ada" } })).toBe("Ada listened in");
  expect(eventWord({ kind: "failure", details: { part: "ears", kind: "Timeout" } })).toBe(
    "Failure of ears: Timeout",
  );
  expect(eventWord({ kind: "novel", details: {} })).toBe("novel");
  expect(isTrouble({ kind: "failure", details: {} })).toBe(true);
  expect(isTrouble({ kind: "state", details: { state: "active" } })).toBe(false);
});

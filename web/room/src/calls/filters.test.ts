import { expect, test } from "vitest";
import { addressOf, askedOf, filtersOf, isNone, NONE } from "./filters.ts";

test("filters come back from the address as they went into it", () => {
  const filters = { ...NONE, text: "50 % off?", outcome: "busy", test: "false" as const };
  expect(filtersOf(new URLSearchParams(addressOf(filters)))).toEqual(filters);
  expect(addressOf(NONE)).toBe("");
  expect(isNone(NONE)).toBe(true);
  expect(isNone(filters)).toBe(false);
});

test("an address that somebody mended by hand asks for nothing that is none", () => {
  const query = new URLSearchParams("from=yesterday&to=2026-99-99&test=maybe&persona=clerk");
  expect(filtersOf(query)).toMatchObject({ from: "", test: "", persona: "clerk" });
});

test("a day is asked for from its midnight to the next, where the reader is", () => {
  const asked = askedOf({ ...NONE, from: "2026-02-27", to: "2026-02-28" });
  const [since, before] = [asked.get("since"), asked.get("before")];
  expect(since).toBe(new Date(2026, 1, 27).toISOString());
  expect(before).toBe(new Date(2026, 2, 1).toISOString());
});

test("only what is filtered is asked for, words without the space around them", () => {
  expect(askedOf({ ...NONE, text: "  refund " }).toString()).toBe("text=refund");
  expect(askedOf({ ...NONE, text: "   " }).toString()).toBe("");
});

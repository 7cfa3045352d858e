import { expect, test } from "vitest";
import { bars, ceiling, dayOf, daysBefore, periodOf } from "./chart.ts";

test.each([
  [[], 1],
  [[0], 1],
  [[7, 3], 10],
  [[10], 10],
  [[0.31], 0.5],
  [[1100], 2000],
])("the top over %o is %f", (values, top) => {
  expect(ceiling(values)).toBeCloseTo(top);
});

test("bars stand on the ground, or on what is below them, side by side", () => {
  const [one, two] = bars([2, 4], 4, [0, 1]);
  expect(one).toEqual({ x: 0.0625, width: 0.375, y: 0.5, height: 0.5 });
  expect(two).toEqual({ x: 0.5625, width: 0.375, y: 0, height: 0.75 });
});

test("an address asks for one of the periods, or for two weeks", () => {
  expect(periodOf(new URLSearchParams("days=30"))).toBe(30);
  expect(periodOf(new URLSearchParams("days=31"))).toBe(14);
  expect(periodOf(new URLSearchParams())).toBe(14);
});

test("days are counted by the calendar, and begin where the reader is", () => {
  expect(daysBefore("2026-03-01", 1)).toBe("2026-02-28");
  const late = new Date("2026-03-01T23:30:00Z");
  expect(dayOf(late, "Europe/Berlin")).toBe("2026-03-02");
  expect(dayOf(late, "America/New_York")).toBe("2026-03-01");
});

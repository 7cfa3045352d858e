import { expect, test } from "vitest";
import { Levels, seen, window, withMark } from "./timeline.ts";

test("the loudest of a tenth of a second is kept, and what was missed is silence", () => {
  const levels = new Levels();
  levels.add(0.01, 0.2, 0);
  levels.add(0.06, 0.5, 0.1);
  levels.add(0.31, 0, 0.9);
  expect(levels.mine).toEqual([0.5, 0, 0, 0]);
  expect(levels.theirs).toEqual([0.1, 0, 0, 0.9]);
});

test("after an hour the beginning is forgotten, and times stay right", () => {
  const levels = new Levels();
  levels.add(3600.05, 1, 0);
  levels.add(3600.15, 0, 1);
  expect(levels.mine).toHaveLength(36_000);
  expect(seen(levels, 3600, 3601, 10).at(-1)).toMatchObject({ mine: 0, theirs: 1 });
});

test("a long call is drawn in no more columns than there is room for", () => {
  const levels = new Levels();
  for (let at = 0; at < 60; at += 0.1) levels.add(at + 0.05, at > 30 && at < 30.2 ? 1 : 0, 0);
  const columns = seen(levels, 0, 60, 100);
  expect(columns.length).toBeLessThanOrEqual(100);
  expect(Math.max(...columns.map(({ mine }) => mine))).toBe(1);
});

test("what is seen ends now while the call goes on, and is all of it after", () => {
  expect(window(10, false, 30)).toEqual({ from: 0, to: 30 });
  expect(window(50, false, 30)).toEqual({ from: 20, to: 50 });
  expect(window(50, true, 30)).toEqual({ from: 0, to: 50 });
});

test("a mark that ends keeps its beginning", () => {
  const begun = withMark([], { id: "c1", kind: "tool", label: "book", from: 4, to: null });
  const ended = withMark(begun, { id: "c1", kind: "tool", label: "book", from: 5, to: 5 });
  expect(ended).toEqual([{ id: "c1", kind: "tool", label: "book", from: 4, to: 5 }]);
});

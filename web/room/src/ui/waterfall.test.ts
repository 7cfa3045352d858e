import { expect, test } from "vitest";
import { layOut, short } from "./waterfall-layout.ts";

test("parts stand one after another, and what nobody claims comes last", () => {
  const laid = layOut({ think: 0.25, detect: 0.25, whole: 1 });
  expect(laid?.bars).toEqual([
    { part: "detect", seconds: 0.25, from: 0, width: 0.25 },
    { part: "think", seconds: 0.25, from: 0.25, width: 0.25 },
    { part: "other", seconds: 0.5, from: 0.5, width: 0.5 },
  ]);
});

test("parts that overlap are more than the whole, and still fill the width", () => {
  const laid = layOut({ transcribe: 0.6, think: 0.6, whole: 1 });
  expect(laid?.whole).toBeCloseTo(1.2);
  expect(laid?.bars.at(-1)).toMatchObject({ part: "think", from: 0.5, width: 0.5 });
});

test.each([{}, { whole: 0 }, { think: 0 }])("there is nothing to draw of %o", (parts) => {
  expect(layOut(parts)).toBeNull();
});

test.each([
  [0.0804, "80 ms"],
  [0.9991, "999 ms"],
  [0.9996, "1.0 s"],
  [12.34, "12.3 s"],
])("%f s is written %s", (seconds, written) => {
  expect(short(seconds)).toBe(written);
});

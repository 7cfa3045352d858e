import { expect, test } from "vitest";
import { told } from "./variables.ts";

test("what was left empty keeps its default, and what is another persona's is not sent", () => {
  const typed = { patient: " Ms. Lee ", day: "  ", shop: "Florist" };
  expect(told(typed, { patient: "our patient", day: "tomorrow" })).toEqual({ patient: "Ms. Lee" });
});

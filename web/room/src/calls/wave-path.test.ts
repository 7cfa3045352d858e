import { expect, test } from "vitest";
import { wavePath } from "./wave-path.ts";

test("each piece is as high as it is loud, from one end to the other", () => {
  expect(wavePath([1, 0.25], -1)).toBe(
    "M0 0L0.0 -40.0L500.0 -40.0L500.0 -20.0L1000.0 -20.0L1000 0Z",
  );
});

test("silence is still a line, and what is beyond full scale stays within", () => {
  expect(wavePath([0], 1)).toBe("M0 0L0.0 0.5L1000.0 0.5L1000 0Z");
  expect(wavePath([7], 1)).toContain("L0.0 40.0");
  expect(wavePath([], 1)).toBe("");
});

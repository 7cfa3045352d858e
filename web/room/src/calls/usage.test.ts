import { expect, test } from "vitest";
import { usageOf } from "./usage.ts";

test("each part says what it used, by the names of the page", () => {
  const usage = {
    line_seconds: 75.4,
    models: [
      { type: "llm_usage", model: "gemma", input_tokens: 900, output_tokens: 40 },
      { type: "tts_usage", model: "", audio_duration: 61, characters_count: 300 },
      { type: "eot_usage", model: "turns" },
    ],
    apologies: 0,
    stalls: { voice: 1, line: 2 },
  };
  expect(usageOf({ usage, cost: 0.25 })).toEqual([
    { part: "Line", used: "1:15 min" },
    { part: "Thinking (gemma)", used: "900 tokens read, 40 written" },
    { part: "Speaking", used: "1:01 min of sound, 300 letters" },
    { part: "Gaps in the agent's voice", used: "3" },
    { part: "Cost", used: "0.25" },
  ]);
});

test("a call that has only begun has used nothing that is known", () => {
  expect(usageOf({ usage: {} })).toEqual([]);
});

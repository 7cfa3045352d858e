import type { Call } from "./types.ts";
import { clock } from "./words.ts";

/** What a call used, a line a part. Pure. */

export interface Used {
  part: string;
  used: string;
}

const PARTS: Record<string, string> = {
  llm_usage: "Thinking",
  stt_usage: "Hearing",
  tts_usage: "Speaking",
};

const COUNT = new Intl.NumberFormat();

export function usageOf({ usage, cost }: Pick<Call, "usage" | "cost">): Used[] {
  const lines: Used[] = [];
  if (usage.line_seconds !== undefined) {
    lines.push({ part: "Line", used: `${clock(usage.line_seconds)} min` });
  }
  for (const model of usage.models ?? []) {
    const name = PARTS[String(model.type)];
    const used = name && modelUsed(model);
    if (used) lines.push({ part: model.model ? `${name} (${model.model})` : name, used });
  }
  const stalls = Object.values(usage.stalls ?? {}).reduce((sum, count) => sum + count, 0);
  if (usage.apologies) lines.push({ part: "Apologies", used: COUNT.format(usage.apologies) });
  if (stalls) lines.push({ part: "Gaps in the agent's voice", used: COUNT.format(stalls) });
  if (typeof cost === "number") lines.push({ part: "Cost", used: COUNT.format(cost) });
  return lines;
}

function modelUsed(model: Record<string, unknown>): string {
  const number = (name: string) => (typeof model[name] === "number" ? Number(model[name]) : 0);
  const said: string[] = [];
  if (number("audio_duration")) said.push(`${clock(number("audio_duration"))} min of sound`);
  if (number("characters_count")) said.push(`${COUNT.format(number("characters_count"))} letters`);
  if (model.type === "llm_usage") {
    said.push(
      `${COUNT.format(number("input_tokens"))} tokens read`,
      `${COUNT.format(number("output_tokens"))} written`,
    );
  }
  return said.join(", ");
}

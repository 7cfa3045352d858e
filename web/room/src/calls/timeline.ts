import type { CallEvent, ToolCall, Turn, WholeCall } from "./types.ts";

/** What happened in a call, in its order. Pure. */

export type Item = { key: string; at: number; after: number } & (
  | { kind: "turn"; turn: Turn }
  | { kind: "event"; event: CallEvent }
  | { kind: "tool"; tool: ToolCall }
);

/** `at` in milliseconds of the clock, `after` in seconds since the call began. */
export function itemsOf(call: WholeCall): Item[] {
  const began = Date.parse(call.started_at);
  const placed = (at: string, key: string) => {
    const moment = Date.parse(at);
    return { key, at: moment, after: (moment - began) / 1000 };
  };
  const items: Item[] = [
    ...call.turns.map((turn, n): Item => ({ ...placed(turn.at, `turn-${n}`), kind: "turn", turn })),
    ...call.tool_calls.map(
      (tool, n): Item => ({ ...placed(tool.at, `tool-${n}`), kind: "tool", tool }),
    ),
    ...call.events
      .filter(({ kind }) => kind !== "interruption") // the turn itself says that it was cut
      .map((event, n): Item => ({ ...placed(event.at, `event-${n}`), kind: "event", event })),
  ];
  return items.sort((one, other) => one.at - other.at);
}

/**
 * When the recording began, in milliseconds of the clock: as the call says it, or, of calls that are
 * older than that, so that both ends fall together.
 */
export function recordingBegan(call: WholeCall, seconds: number): number {
  const told = call.events.find(({ kind }) => kind === "recording");
  if (told) return Date.parse(told.at);
  const end = Date.parse(call.ended_at ?? call.started_at);
  return Math.max(Date.parse(call.started_at), end - seconds * 1000);
}

/** Seconds into the recording; null for what lies outside it. */
export function secondsIn(began: number, seconds: number, at: number): number | null {
  const offset = (at - began) / 1000;
  return offset < -1 || offset > seconds ? null : Math.max(0, offset);
}

/** The turn that is heard at that second: the last that had begun; null before the first. */
export function turnAt(items: Item[], began: number, second: number): string | null {
  const moment = began + second * 1000;
  const begun = items.filter(({ kind, at }) => kind === "turn" && at <= moment + 50);
  return begun.at(-1)?.key ?? null;
}

/** So that the bars of a call's answers can be compared. */
export function longestAnswer(call: WholeCall): number {
  return Math.max(0, ...call.turns.map(({ parts }) => parts.whole ?? 0));
}

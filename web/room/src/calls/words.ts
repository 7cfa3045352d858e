import type { Call, CallEvent } from "./types.ts";

/** How figures and names of a call are written. Pure. */

/** "0:07", "12:34", "1:02:03". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [
    Math.floor(whole / 3600),
    Math.floor(whole / 60) % 60,
    String(whole % 60).padStart(2, "0"),
  ];
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** Seconds from answer to end; null where nobody answered, or it goes on. */
export function talked(call: Pick<Call, "answered_at" | "ended_at">): number | null {
  if (!call.answered_at || !call.ended_at) return null;
  return (Date.parse(call.ended_at) - Date.parse(call.answered_at)) / 1000;
}

const OUTCOMES: Record<string, string> = {
  answered: "Answered",
  machine: "Answering machine",
  busy: "Busy",
  no_answer: "No answer",
  declined: "Declined",
  refused: "Refused",
  failed: "Failed",
};

export const OUTCOME_CHOICES = Object.entries(OUTCOMES).map(([value, name]) => ({ value, name }));

const STATES: Record<string, string> = {
  idle: "Arriving",
  connecting: "Connecting",
  active: "Talking",
  stopping: "Ending",
  ended: "Ended",
  error: "Failed",
};

export function stateWord(state: string): string {
  return STATES[state] ?? state;
}

/** What came of it, or where it stands. */
export function outcomeWord(call: Pick<Call, "outcome" | "state">): string {
  return call.outcome ? (OUTCOMES[call.outcome] ?? call.outcome) : stateWord(call.state);
}

interface Ends {
  direction: string | null;
  from_number: string | null;
  to_number: string | null;
}

/** The other end of the line. */
export function whom({ direction, from_number, to_number }: Ends): string {
  if (direction === "room") return "Test room";
  if (direction === "outbound") return to_number ?? "Unknown number";
  return from_number ?? "Withheld number";
}

/** The same for a list that anybody may glance at: of a number only the last two digits. */
export function whomMasked(ends: Ends): string {
  return whom(ends).replace(/^\+?\d+(?=\d{2}$)/, "…");
}

export const DIRECTIONS = [
  { value: "inbound", name: "Incoming" },
  { value: "outbound", name: "Outgoing" },
  { value: "room", name: "Test room" },
];

export function directionWord(direction: string | null): string {
  return DIRECTIONS.find(({ value }) => value === direction)?.name ?? "";
}

const EVENTS: Record<string, (details: Record<string, unknown>) => string> = {
  interruption: () => "The agent was interrupted",
  "false interruption": ({ resumed }) =>
    resumed ? "It was no interruption: the agent went on" : "It was no interruption",
  failure: ({ part, kind }) => `Failure of ${part ?? "a part"}: ${kind ?? "unknown"}`,
  listened: ({ who }) => `${who ?? "Somebody"} listened in`,
  recording: () => "The recording begins",
  queue: ({ position }) => `Waits for a place, as number ${position ?? "?"}`,
  state: ({ state }) => stateWord(String(state)),
  twilio: ({ CallStatus }) => `Twilio: ${CallStatus ?? "told"}`,
};

export function eventWord({ kind, details }: Pick<CallEvent, "kind" | "details">): string {
  return EVENTS[kind]?.(details) ?? kind;
}

/** Things that went wrong stand out. */
export function isTrouble({ kind, details }: Pick<CallEvent, "kind" | "details">): boolean {
  return kind === "failure" || (kind === "state" && details.state === "error");
}

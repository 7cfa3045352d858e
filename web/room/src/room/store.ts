import type { AgentEvent } from "./events.ts";
import { type Mark, withMark } from "./timeline.ts";
import { closed, type Entry, type Segment, withSegment, withTool, withTurn } from "./transcript.ts";
import type { Trouble } from "./trouble.ts";

/**
 * `asking` for the microphone, `connecting` to the server, `waiting` for the agent, `talking`, or
 * `lost` while the browser tries to come back.
 */
export type Phase = "idle" | "asking" | "connecting" | "waiting" | "talking" | "lost" | "ended";

/** All that the page shows of one call; replaced, never changed. */
export interface Shown {
  phase: Phase;
  /** The agent has been on the line. */
  met: boolean;
  entries: Entry[];
  marks: Mark[];
  muted: boolean;
  phone: boolean;
  trouble: Trouble | null;
  /** Of the whole call, once it is over. */
  recording: Blob | null;
  seconds: number;
}

export const NOTHING: Shown = {
  phase: "idle",
  met: false,
  entries: [],
  marks: [],
  muted: false,
  phone: false,
  trouble: null,
  recording: null,
  seconds: 0,
};

export function isUp(phase: Phase): boolean {
  return phase === "waiting" || phase === "talking" || phase === "lost";
}

/** What was heard or spoken, as it grows. */
export function shownSegment(shown: Shown, segment: Segment): Shown {
  return { ...shown, entries: withSegment(shown.entries, segment) };
}

/** What the agent tells; `at` is seconds since the call began. Pure. */
export function shownEvent(shown: Shown, event: AgentEvent, at: number): Shown {
  const { entries, marks } = shown;
  const moment = { from: at, to: at, id: `${event.kind} ${marks.length}` };
  switch (event.kind) {
    case "turn":
      return { ...shown, entries: withTurn(entries, { ...event, at }) };
    case "tool": {
      const to = event.state === "started" ? null : at;
      const mark: Mark = { id: event.id, kind: "tool", label: event.name, from: at, to };
      return {
        ...shown,
        entries: withTool(entries, { ...event, at }),
        marks: withMark(marks, mark),
      };
    }
    case "interruption":
      return {
        ...shown,
        marks: withMark(marks, { ...moment, kind: "interruption", label: "interrupted" }),
      };
    case "false_interruption": {
      const label = event.resumed ? "paused, then went on" : "paused for nothing";
      return { ...shown, marks: withMark(marks, { ...moment, kind: "false interruption", label }) };
    }
    case "failure": {
      const label = `the ${event.part} failed`;
      const note = { kind: "note" as const, id: moment.id, text: label, at };
      return {
        ...shown,
        entries: [...entries, note],
        marks: withMark(marks, { ...moment, kind: "failure", label }),
      };
    }
  }
}

/** The call is over. What happened first stands. */
export function shownEnd(shown: Shown, trouble: Trouble | null, seconds: number): Shown {
  if (shown.phase === "ended") return shown;
  const marks = shown.marks.map((mark) => ({ ...mark, to: mark.to ?? seconds }));
  return { ...shown, phase: "ended", trouble, seconds, marks, entries: closed(shown.entries) };
}

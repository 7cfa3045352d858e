import type { Parts } from "../ui/waterfall-layout.ts";

/**
 * What was said and done in a call, in order. Words come twice: at once as segments of LiveKit's
 * text streams, which grow, and once a turn is over as the agent keeps it, which replaces them.
 * Pure: `at` is seconds since the call began.
 */

export type Role = "user" | "assistant";

export interface Words {
  kind: "words";
  id: string;
  role: Role;
  /** What was said, or of an agent's turn what was heard of it. */
  text: string;
  /** What was cut off. */
  unspoken: string;
  interrupted: boolean;
  /** `guessed` may still change, `said` may still grow, `kept` is how the agent remembers it. */
  state: "guessed" | "said" | "kept";
  parts: Parts | null;
  at: number;
  /** Of a turn that is kept: the segments that it replaced. */
  segments: readonly string[];
}

export interface ToolUse {
  kind: "tool";
  id: string;
  name: string;
  state: "started" | "done" | "failed";
  seconds: number | null;
  at: number;
}

export interface Note {
  kind: "note";
  id: string;
  text: string;
  at: number;
}

export type Entry = Words | ToolUse | Note;

export interface Segment {
  id: string;
  role: Role;
  /** All of it up to now. */
  text: string;
  /** A user's interims are not. */
  final: boolean;
  at: number;
}

export interface Turn {
  id: string;
  role: Role;
  text: string;
  interrupted: boolean;
  unspoken: string;
  parts: Parts | null;
  at: number;
}

/** A segment that began, grew, or is over. One that its turn has replaced already changes nothing. */
export function withSegment(entries: readonly Entry[], segment: Segment): Entry[] {
  if (!segment.text.trim() || isKept(entries, segment)) return [...entries];
  const place = entries.findIndex((entry) => entry.kind === "words" && entry.id === segment.id);
  const words: Words = {
    kind: "words",
    id: segment.id,
    role: segment.role,
    text: segment.text.trim(),
    unspoken: "",
    interrupted: false,
    state: segment.final || segment.role === "assistant" ? "said" : "guessed",
    parts: null,
    at: segment.at,
    segments: [],
  };
  const earlier = entries[place];
  if (earlier?.kind !== "words") return [...entries, words];
  if (earlier.state === "said" && words.state === "guessed") return [...entries];
  return entries.with(place, { ...words, at: earlier.at });
}

/** The words of a turn may come behind it. */
function isKept(entries: readonly Entry[], { id, role, text }: Segment): boolean {
  const kept = entries.filter(
    (entry): entry is Words =>
      entry.kind === "words" && entry.role === role && entry.state === "kept",
  );
  const last = kept.at(-1);
  const isLate = last?.segments.length === 0 && plain(last.text).includes(plain(text));
  return isLate || kept.some(({ segments }) => segments.includes(id));
}

/** A turn that is over takes the place of its segments. */
export function withTurn(entries: readonly Entry[], turn: Turn): Entry[] {
  const claimed = segmentsOf(entries, turn);
  const first = claimed[0];
  const place = first ? entries.indexOf(first) : -1;
  const kept: Words = {
    ...turn,
    kind: "words",
    state: "kept",
    at: first?.at ?? turn.at,
    segments: claimed.map(({ id }) => id),
  };
  if (place < 0) return [...entries, kept];
  return entries
    .toSpliced(place, 1, kept)
    .filter((entry) => !claimed.slice(1).includes(entry as Words));
}

/** Those whose words are in the turn; when ears and memory differ, the oldest that waits. */
function segmentsOf(entries: readonly Entry[], turn: Turn): Words[] {
  const waiting = entries.filter(
    (entry): entry is Words =>
      entry.kind === "words" && entry.role === turn.role && entry.state !== "kept",
  );
  const whole = plain(`${turn.text} ${turn.unspoken}`);
  const found = waiting.filter((words) => whole.includes(plain(words.text)));
  return found.length ? found : waiting.slice(0, 1);
}

function plain(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** A tool that was begun, or is over. */
export function withTool(entries: readonly Entry[], tool: Omit<ToolUse, "kind">): Entry[] {
  const place = entries.findIndex((entry) => entry.kind === "tool" && entry.id === tool.id);
  const earlier = entries[place];
  if (!earlier) return [...entries, { kind: "tool", ...tool }];
  return entries.with(place, { kind: "tool", ...tool, at: earlier.at });
}

/** Those that stand, and those that still change: the latter are never read aloud. */
export function divided(entries: readonly Entry[]): { settled: Entry[]; changing: Words[] } {
  const changes = (entry: Entry): entry is Words =>
    entry.kind === "words" && entry.state !== "kept";
  return {
    settled: entries.filter((entry) => !changes(entry)),
    changing: entries.filter(changes),
  };
}

/** At the end nothing changes any more, whatever did not arrive. */
export function closed(entries: readonly Entry[]): Entry[] {
  return entries.map((entry) => (entry.kind === "words" ? { ...entry, state: "kept" } : entry));
}

/** So many words of `text`, and "…" for the rest. */
export function beginning(text: string, count: number): string {
  const words = text.split(/\s+/);
  return words.length > count ? `${words.slice(0, count).join(" ")} …` : text;
}

/** 75.4 → "1:15". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** For a file: a line each, who spoke and when; what was cut off in brackets. */
export function asText(entries: readonly Entry[], agent: string): string {
  const lines = entries.map((entry) => {
    const when = clock(entry.at);
    if (entry.kind === "tool") return `[${when}] (${agent} used ${entry.name}: ${entry.state})`;
    if (entry.kind === "note") return `[${when}] (${entry.text})`;
    const who = entry.role === "user" ? "You" : agent;
    const cut = entry.unspoken ? ` [cut off: ${entry.unspoken}]` : "";
    return `[${when}] ${who}: ${entry.text}${cut}`;
  });
  return `${lines.join("\n")}\n`;
}

/** Seconds of one turn by part, as the agent tells them; any may be missing. */
export type Parts = Partial<Record<Part | "whole", number>>;

export const PARTS = ["detect", "transcribe", "turn", "think", "speak", "play"] as const;
export type Part = (typeof PARTS)[number];

export interface Bar {
  part: Part | "other";
  seconds: number;
  /** Shares of the whole, 0 to 1. */
  from: number;
  width: number;
}

/** Less cannot be told apart by eye, nor was it measured so finely. */
const LEAST = 0.001;

/**
 * Each part after the one before, in the order of a turn. What `whole` has beyond their sum is
 * `other`, at the end. Null when there is nothing to draw.
 */
export function layOut(parts: Parts): { bars: Bar[]; whole: number } | null {
  const known = PARTS.map((part) => ({ part, seconds: parts[part] ?? 0 })).filter(
    ({ seconds }) => seconds >= LEAST,
  );
  const sum = known.reduce((total, { seconds }) => total + seconds, 0);
  const whole = Math.max(parts.whole ?? 0, sum);
  if (whole < LEAST) return null;
  const all: { part: Part | "other"; seconds: number }[] = [...known];
  if (whole - sum >= LEAST) all.push({ part: "other", seconds: whole - sum });
  let from = 0;
  const bars = all.map(({ part, seconds }) => {
    const bar = { part, seconds, from: from / whole, width: seconds / whole };
    from += seconds;
    return bar;
  });
  return { bars, whole };
}

/** "640 ms" below a second, else "1.2 s". */
export function short(seconds: number): string {
  return seconds < 0.9995 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;
}

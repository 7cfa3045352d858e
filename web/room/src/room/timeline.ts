/** Both voices' loudness and what happened, along one axis of seconds. Pure. */

/** Seconds that one column of levels stands for. */
export const COLUMN = 0.1;

/** Columns kept: an hour. What is older goes. */
const KEPT = 36_000;

export interface Mark {
  id: string;
  kind: "interruption" | "false interruption" | "tool" | "failure";
  label: string;
  from: number;
  /** Null while it goes on. */
  to: number | null;
}

/** Levels, 0 to 1, loudest of each column; filled as time goes by. */
export class Levels {
  readonly mine: number[] = [];
  readonly theirs: number[] = [];
  /** Columns that were dropped at the front. */
  dropped = 0;

  add(at: number, mine: number, theirs: number): void {
    const column = Math.max(0, Math.floor(at / COLUMN) - this.dropped);
    while (this.mine.length < column) {
      this.mine.push(0);
      this.theirs.push(0);
    }
    this.mine[column] = Math.max(this.mine[column] ?? 0, mine);
    this.theirs[column] = Math.max(this.theirs[column] ?? 0, theirs);
    if (this.mine.length > KEPT) {
      this.mine.shift();
      this.theirs.shift();
      this.dropped += 1;
    }
  }
}

export interface Column {
  /** Seconds. */
  at: number;
  mine: number;
  theirs: number;
}

/** At most `count` columns between two moments: the loudest of those that share a place. */
export function seen(levels: Levels, from: number, to: number, count: number): Column[] {
  const first = Math.max(0, Math.floor(from / COLUMN) - levels.dropped);
  const last = Math.min(levels.mine.length, Math.ceil(to / COLUMN) - levels.dropped);
  const each = Math.max(1, Math.ceil((last - first) / count));
  const columns: Column[] = [];
  // Groups begin at multiples of their size, so that a strip that moves does not flicker.
  for (let start = first - (first % each); start < last; start += each) {
    const end = Math.min(last, start + each);
    columns.push({
      at: (start + levels.dropped) * COLUMN,
      mine: Math.max(...levels.mine.slice(start, end)),
      theirs: Math.max(...levels.theirs.slice(start, end)),
    });
  }
  return columns;
}

/** The seconds to show: the last `span` of a call that goes on, all of one that is over. */
export function window(now: number, over: boolean, span: number): { from: number; to: number } {
  if (over) return { from: 0, to: Math.max(now, 1) };
  return now <= span ? { from: 0, to: span } : { from: now - span, to: now };
}

export function withMark(marks: readonly Mark[], mark: Mark): Mark[] {
  const place = marks.findIndex(({ id }) => id === mark.id);
  const earlier = marks[place];
  return earlier ? marks.with(place, { ...mark, from: earlier.from }) : [...marks, mark];
}

/** What the small charts by day are drawn from. Pure. */

/** A round number at or above all values: 1, 2 or 5 times a power of ten. */
export function ceiling(values: number[]): number {
  const greatest = Math.max(0, ...values);
  if (!greatest) return 1;
  const power = 10 ** Math.floor(Math.log10(greatest));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= greatest * (1 - 1e-9)) ?? 10;
  return step * power;
}

export interface Bar {
  x: number;
  width: number;
  /** From the top, both in shares of the height. */
  y: number;
  height: number;
}

/** One a value, in a box of 1 by 1; `low` is where each begins. A gap of a quarter between them. */
export function bars(values: number[], top: number, low: number[] = []): Bar[] {
  const step = 1 / Math.max(1, values.length);
  return values.map((value, n) => {
    const from = Math.min(low[n] ?? 0, value);
    return {
      x: n * step + step / 8,
      width: step * 0.75,
      y: 1 - value / top,
      height: (value - from) / top,
    };
  });
}

/** Days, the last being today, as the page's address asks for them. */
export const PERIODS = [7, 14, 30, 90];

export function periodOf(query: URLSearchParams): number {
  const asked = Number(query.get("days"));
  return PERIODS.includes(asked) ? asked : 14;
}

/** The day so many before `today` (YYYY-MM-DD). */
export function daysBefore(today: string, days: number): string {
  const [year = 0, month = 1, date = 1] = today.split("-").map(Number);
  return new Date(Date.UTC(year, month - 1, date - days)).toISOString().slice(0, 10);
}

/** The day of that moment in the reader's zone. */
export function dayOf(moment: Date, zone: string): string {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone: zone, dateStyle: "short" });
  return format.format(moment);
}

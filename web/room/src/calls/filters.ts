/** The filters of past calls: in the page's address, and as the server is asked. Pure. */

export interface Filters {
  text: string;
  persona: string;
  outcome: string;
  direction: string;
  /** "": real and test calls. */
  test: "" | "true" | "false";
  /** Days of the reader's own calendar, YYYY-MM-DD; both are within. */
  from: string;
  to: string;
}

export const NONE: Filters = {
  text: "",
  persona: "",
  outcome: "",
  direction: "",
  test: "",
  from: "",
  to: "",
};

const NAMES = Object.keys(NONE) as (keyof Filters)[];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

export function filtersOf(query: URLSearchParams): Filters {
  const given = Object.fromEntries(NAMES.map((name) => [name, query.get(name) ?? ""]));
  const filters = { ...NONE, ...given } as Filters;
  if (!["", "true", "false"].includes(filters.test)) filters.test = "";
  for (const name of ["from", "to"] as const) {
    if (!isDay(filters[name])) filters[name] = "";
  }
  return filters;
}

/** With its question mark; "" where nothing is filtered. */
export function addressOf(filters: Filters): string {
  const query = new URLSearchParams(
    NAMES.filter((name) => filters[name]).map((name) => [name, filters[name]]),
  ).toString();
  return query && `?${query}`;
}

export function isNone(filters: Filters): boolean {
  return NAMES.every((name) => !filters[name]);
}

/** What `/v1/calls` and `/v1/export` take. */
export function askedOf(filters: Filters): URLSearchParams {
  const { from, to, text, ...same } = filters;
  const asked = new URLSearchParams(Object.entries(same).filter(([, value]) => value));
  if (text.trim()) asked.set("text", text.trim());
  if (from) asked.set("since", midnight(from).toISOString());
  if (to) asked.set("before", midnight(to, 1).toISOString());
  return asked;
}

function isDay(text: string): boolean {
  const date = midnight(text);
  return DAY.test(text) && date.getMonth() + 1 === Number(text.slice(5, 7));
}

/** Where the reader is, so many days later. */
function midnight(day: string, later = 0): Date {
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later);
}

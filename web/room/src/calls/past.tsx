import { type ReactNode, useEffect, useRef, useState } from "react";
import { type ApiError, request } from "../api.ts";
import { Link, navigate, useLocation } from "../router.tsx";
import { Button, Empty, Table } from "../ui/index.ts";
import { FilterBar } from "./filter-bar.tsx";
import { addressOf, askedOf, type Filters, filtersOf, isNone, NONE } from "./filters.ts";
import { asApiError } from "./remote.ts";
import type { Call, Page } from "./types.ts";
import { clock, directionWord, outcomeWord, talked, whom } from "./words.ts";

/** A search goes on by itself until it has this many, or for this long, or is stopped. */
const ENOUGH = 20;
const PATIENCE_MS = 8000;

/** The calls that were, the newest first. */
export function PastCalls() {
  const { query } = useLocation();
  const filters = filtersOf(query);
  const found = useCalls(askedOf(filters).toString());
  const change = (changed: Partial<Filters>) =>
    navigate(`/calls${addressOf({ ...filters, ...changed })}`, { replace: true });
  return (
    <section aria-labelledby="past-heading" className="calls-part">
      <div className="calls-head">
        <h2 id="past-heading">Earlier</h2>
        <Exports asked={askedOf(filters).toString()} />
      </div>
      <FilterBar filters={filters} change={change} />
      <Found found={found} filters={filters} change={change} />
    </section>
  );
}

interface FoundProps {
  found: Calls;
  filters: Filters;
  change: (changed: Partial<Filters>) => void;
}

function Found({ found, filters, change }: FoundProps) {
  const { calls, error, busy, next, searched, more, stop } = found;
  if (error && !calls.length) {
    return (
      <Empty title="The calls could not be read" role="alert">
        {error.message} <Button onClick={more}>Try again</Button>
      </Empty>
    );
  }
  if (!calls.length && !busy && !next) {
    if (isNone(filters)) {
      return (
        <Empty title="No calls yet">
          Once somebody has called, or talked in <Link href="/">the room</Link>, the call stands
          here with its transcript.
        </Empty>
      );
    }
    return (
      <Empty title="No call is like that">
        <Button onClick={() => change(NONE)}>Take the filters away</Button>
      </Empty>
    );
  }
  return (
    <>
      {calls.length > 0 && <CallTable calls={calls} />}
      <div className="calls-more" aria-live="polite">
        {error && <p className="calls-problem">{error.message}</p>}
        {searched && <p>Looked back to {day(searched)}.</p>}
        {busy ? (
          <>
            <p>{searched ? "Looking further back…" : "One moment…"}</p>
            {searched && <Button onClick={stop}>Stop</Button>}
          </>
        ) : (
          next && <Button onClick={more}>{searched ? "Look further back" : "Older calls"}</Button>
        )}
      </div>
    </>
  );
}

function CallTable({ calls }: { calls: Call[] }) {
  return (
    <Table
      caption="Calls, the newest first"
      rows={calls}
      id={({ id }) => id}
      columns={[
        { name: "Began", cell: Began },
        { name: "With", cell: (call) => <With call={call} /> },
        { name: "Agent", cell: ({ persona }) => persona },
        { name: "Outcome", cell: Outcome },
        { name: "Length", figures: true, cell: length },
      ]}
    />
  );
}

function Began(call: Call): ReactNode {
  return (
    <Link href={`/calls/${encodeURIComponent(call.id)}`} className="call-link">
      <time dateTime={call.started_at}>{moment(call.started_at)}</time>
    </Link>
  );
}

function With({ call }: { call: Call }) {
  return (
    <span>
      {whom(call)}
      {call.direction !== "room" && <small> {directionWord(call.direction)}</small>}
      {call.test && call.direction !== "room" && <small> Test</small>}
    </span>
  );
}

function Outcome(call: Call): ReactNode {
  const bad = call.outcome === "failed" || call.state === "error";
  return (
    <span className={bad ? "outcome-bad" : undefined}>
      {outcomeWord(call)}
      {call.end_reason && <small> {call.end_reason}</small>}
    </span>
  );
}

function length(call: Call): ReactNode {
  const seconds = talked(call);
  return seconds === null ? "–" : clock(seconds);
}

function Exports({ asked }: { asked: string }) {
  const href = (format: string) => `/v1/export?${asked ? `${asked}&` : ""}format=${format}`;
  return (
    <p className="calls-exports">
      Export these as{" "}
      <a href={href("csv")} download>
        CSV
      </a>
      ,{" "}
      <a href={href("json")} download>
        JSON
      </a>{" "}
      or{" "}
      <a href={href("text")} download>
        text
      </a>
    </p>
  );
}

interface Calls {
  calls: Call[];
  error: ApiError | null;
  busy: boolean;
  next: string | null;
  searched: string | null;
  more: () => void;
  stop: () => void;
}

const NOTHING = { calls: [], next: null, searched: null };

/** Page after page of what is `asked` for. A search whose page is short looks on by itself. */
function useCalls(asked: string): Calls {
  const [held, setHeld] = useState<{ asked: string } & Page>({ asked, ...NOTHING });
  const [error, setError] = useState<ApiError | null>(null);
  const [busy, setBusy] = useState(true);
  const stopping = useRef(new AbortController());

  const load = (before: Page) => {
    stopping.current.abort();
    const stopped = new AbortController();
    stopping.current = stopped;
    setBusy(true);
    setError(null);
    pages(asked, before, stopped.signal, (page) => setHeld({ asked, ...page }))
      .catch((problem: unknown) => !stopped.signal.aborted && setError(asApiError(problem)))
      .finally(() => stopping.current === stopped && setBusy(false));
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: only another question begins anew.
  useEffect(() => {
    load(NOTHING);
    return () => stopping.current.abort();
  }, [asked]);

  const current = held.asked === asked ? held : { ...NOTHING };
  return {
    ...current,
    error,
    busy: busy || held.asked !== asked,
    more: () => load(current),
    stop: () => {
      stopping.current.abort();
      setBusy(false);
    },
  };
}

/** Tells of every page with all that came before it. */
async function pages(
  asked: string,
  before: Page,
  signal: AbortSignal,
  tell: (page: Page) => void,
): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  const enough = before.calls.length + ENOUGH;
  let all = before;
  do {
    const query = new URLSearchParams(asked);
    if (all.next) query.set("cursor", all.next);
    const page = await request<Page>(`/v1/calls?${query}`, { signal });
    all = { ...page, calls: [...all.calls, ...page.calls] };
    tell(all);
  } while (all.searched && all.next && all.calls.length < enough && Date.now() < until);
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export function moment(iso: string): string {
  return MOMENT.format(new Date(iso));
}

function day(iso: string): string {
  return DAY.format(new Date(iso));
}

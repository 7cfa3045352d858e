import type { ReactNode } from "react";
import { Link, navigate, useLocation } from "../router.tsx";
import { Button, Empty, Table } from "../ui/index.ts";
import { FilterBar } from "./filter-bar.tsx";
import { addressOf, askedOf, type Filters, filtersOf, isNone, NONE } from "./filters.ts";
import type { Call } from "./types.ts";
import { type Calls, useCalls } from "./use-calls.ts";
import { clock, directionWord, outcomeWord, talked, whomMasked } from "./words.ts";

/** The calls that were, the newest first. `live` changes when one has begun or ended. */
export function PastCalls({ live }: { live: string }) {
  const { query } = useLocation();
  const filters = filtersOf(query);
  const found = useCalls(askedOf(filters).toString(), live);
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
  const { error, busy, next, searched, more, stop } = found;
  const calls = found.calls.filter(({ ended_at }) => ended_at !== null); // the others stand above
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
        <Button onClick={() => change(NONE)}>Clear the filters</Button>
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
      {whomMasked(call)}
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

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: "long" });

export function moment(iso: string): string {
  return MOMENT.format(new Date(iso));
}

function day(iso: string): string {
  return DAY.format(new Date(iso));
}

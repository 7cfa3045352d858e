import { useEffect, useState } from "react";
import { isAway, useRemote } from "../calls/remote.ts";
import { Link, navigate, useLocation } from "../router.tsx";
import { Button, Choice, Empty, Table } from "../ui/index.ts";
import { PARTS, short } from "../ui/waterfall-layout.ts";
import { dayOf, daysBefore, PERIODS, periodOf } from "./chart.ts";
import { DayChart } from "./day-chart.tsx";
import type { Day, Engine, OverviewData, Spread } from "./types.ts";
import "./overview.css";

const EVERY_MS = 30_000;
const COUNT = new Intl.NumberFormat();
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** `/overview`: today, by day, and how much room the engines have. */
export default function Overview() {
  const { query } = useLocation();
  const days = periodOf(query);
  const tests = query.get("tests") === "1";
  const today = useToday();
  const asked = new URLSearchParams({
    from: daysBefore(today, days - 1),
    to: today,
    zone: ZONE,
    tests: String(tests),
  });
  const { data, error, reload } = useRemote<OverviewData>(`/v1/overview?${asked}`, EVERY_MS);
  const change = (period: number, withTests: boolean) =>
    navigate(`/overview?days=${period}${withTests ? "&tests=1" : ""}`, { replace: true });
  return (
    <article className="overview">
      <header className="overview-head">
        <h1>Overview</h1>
        <div className="overview-choices">
          <Choice
            label="Period"
            value={String(days)}
            onChange={(event) => change(Number(event.target.value), tests)}
            options={PERIODS.map((n) => ({ value: String(n), name: `${n} days` }))}
          />
          <label className="overview-tests">
            <input
              type="checkbox"
              checked={tests}
              onChange={(event) => change(days, event.target.checked)}
            />{" "}
            Count test calls
          </label>
        </div>
      </header>
      {error && data && <p role="alert">{error.message} What is shown may be old.</p>}
      {error && !data && (
        <Empty title="The figures could not be read" role="alert">
          {error.message} {isAway(error) ? "" : <Button onClick={reload}>Try again</Button>}
        </Empty>
      )}
      {!data && !error && <Empty title="One moment" busy />}
      {data && <Figures data={data} tests={tests} />}
    </article>
  );
}

/** The page may stay open over midnight. */
function useToday(): string {
  const [today, setToday] = useState(() => dayOf(new Date(), ZONE));
  useEffect(() => {
    const looking = setInterval(() => setToday(dayOf(new Date(), ZONE)), EVERY_MS);
    return () => clearInterval(looking);
  }, []);
  return today;
}

function Figures({ data, tests }: { data: OverviewData; tests: boolean }) {
  const { today, total, days, engines } = data;
  return (
    <>
      <section aria-labelledby="today-heading">
        <h2 id="today-heading">Today</h2>
        <Today day={today} />
      </section>
      {total.calls === 0 ? (
        <Empty title="No calls in this time">
          {tests ? "Choose a longer period above." : "Calls from the test room are not counted: "}
          {!tests && <Link href="/overview?tests=1">count them</Link>}
        </Empty>
      ) : (
        <>
          <section aria-labelledby="days-heading">
            <h2 id="days-heading">By day</h2>
            <Charts days={days} />
          </section>
          <Latency total={total} />
        </>
      )}
      <Engines engines={engines} />
    </>
  );
}

function Today({ day }: { day: Day }) {
  const whole = day.latency.whole;
  return (
    <dl className="figures">
      <Figure name="Calls" value={COUNT.format(day.calls)} />
      <Figure
        name="Answered"
        value={rate(day.answer_rate)}
        about={`of ${COUNT.format(day.over)}`}
      />
      <Figure
        name="Answers in"
        value={whole ? short(whole.p50) : "–"}
        {...(whole ? { about: `95 % within ${short(whole.p95)}` } : {})}
      />
      <Figure name="Interruptions" value={COUNT.format(day.interruptions)} />
      <Figure name="Failures" value={COUNT.format(day.failures)} />
    </dl>
  );
}

function Figure({ name, value, about }: { name: string; value: string; about?: string }) {
  return (
    <div className="figure">
      <dt>{name}</dt>
      <dd>
        {value}
        {about && <small>{about}</small>}
      </dd>
    </div>
  );
}

function rate(share: number | null): string {
  return share === null ? "–" : `${Math.round(share * 100)} %`;
}

function Charts({ days }: { days: Day[] }) {
  const latencies = days.map(({ latency }) => latency.whole ?? null);
  const names = days.map(({ day }) => day ?? "");
  return (
    <div className="charts">
      <DayChart
        title="Calls"
        days={names}
        values={days.map(({ calls }) => calls)}
        inner={{ name: "answered", values: days.map(({ answered }) => answered) }}
        written={COUNT.format}
      />
      <DayChart
        title="Seconds to an answer"
        days={names}
        values={latencies.map((each) => each?.p95 ?? 0)}
        inner={{ name: "half within", values: latencies.map((each) => each?.p50 ?? 0) }}
        name="95 % within"
        written={short}
      />
      <DayChart
        title="Interruptions"
        days={names}
        values={days.map(({ interruptions }) => interruptions)}
        written={COUNT.format}
      />
      <DayChart
        title="Failures"
        days={names}
        values={days.map(({ failures }) => failures)}
        written={COUNT.format}
      />
    </div>
  );
}

function Latency({ total }: { total: Day }) {
  const rows = [...PARTS, "whole" as const].flatMap((part): (Spread & { part: string })[] => {
    const spread = total.latency[part];
    return spread ? [{ part, ...spread }] : [];
  });
  return (
    <section aria-labelledby="latency-heading">
      <h2 id="latency-heading">Where the time goes</h2>
      {rows.length > 0 ? (
        <Table
          caption="Seconds from the caller's last sound to the agent's first, by part"
          rows={rows}
          id={({ part }) => part}
          columns={[
            { name: "Part", cell: ({ part }) => PART_WORDS[part] ?? part },
            { name: "Half within", figures: true, cell: ({ p50 }) => short(p50) },
            { name: "95 % within", figures: true, cell: ({ p95 }) => short(p95) },
          ]}
        />
      ) : (
        <p>No answer was measured in this time.</p>
      )}
    </section>
  );
}

const PART_WORDS: Record<string, string> = {
  detect: "Detect: the silence after the caller's last sound",
  transcribe: "Transcribe: the last words",
  turn: "Turn: whether the caller has finished",
  think: "Think: the first sentence",
  speak: "Speak: its first sound",
  play: "Play: the way out",
  whole: "Whole",
};

const STATES: Record<Engine["state"], string> = {
  ready: "Ready",
  full: "Takes no more",
  absent: "Does not answer",
};

function Engines({ engines }: { engines: Engine[] }) {
  return (
    <section aria-labelledby="engines-heading">
      <h2 id="engines-heading">Room for calls</h2>
      {engines.length > 0 ? (
        <Table
          caption="The engines, what they hold and what they would take"
          rows={engines}
          id={({ name }) => name}
          columns={[
            { name: "Part", cell: ({ name, model }) => <Named name={name} model={model} /> },
            { name: "State", cell: State },
            { name: "Calls", figures: true, cell: ({ held }) => held ?? "–" },
            { name: "Room left", figures: true, cell: ({ room }) => room ?? "–" },
          ]}
        />
      ) : (
        <p>This server was not told where the engines are.</p>
      )}
    </section>
  );
}

function Named({ name, model }: { name: string; model: string | null }) {
  return (
    <span className="engine-name">
      {name} {model && <small>{model}</small>}
    </span>
  );
}

function State({ state, about }: Engine) {
  return (
    <span className={state === "ready" ? undefined : "engine-trouble"}>
      {STATES[state]} {about && <small>{about}</small>}
    </span>
  );
}

import { useId } from "react";
import { bars, ceiling } from "./chart.ts";

interface DayChartProps {
  title: string;
  /** YYYY-MM-DD, the oldest first. */
  days: string[];
  values: number[];
  /** What `values` are, where `inner` is part of them. */
  name?: string;
  inner?: { name: string; values: number[] };
  written: (value: number) => string;
}

/** Bars by day, and the same figures as a table for who cannot see them. */
export function DayChart({ title, days, values, name, inner, written }: DayChartProps) {
  const heading = useId();
  const top = ceiling(values);
  return (
    <figure className="chart" aria-labelledby={heading}>
      <figcaption id={heading}>
        <span className="chart-title">{title}</span>
        {inner && (
          <span className="chart-key" aria-hidden="true">
            <i className="bar-inner" /> {inner.name} <i className="bar-outer" /> {name ?? "all"}
          </span>
        )}
      </figcaption>
      <div className="chart-box" aria-hidden="true">
        <span className="chart-top">{written(top)}</span>
        <svg aria-hidden="true" viewBox="0 0 1 1" preserveAspectRatio="none">
          <Bars values={values} top={top} look={inner ? "outer" : "inner"} />
          {inner && <Bars values={inner.values} top={top} look="inner" />}
        </svg>
      </div>
      <div className="chart-days" aria-hidden="true">
        <span>{day(days[0])}</span>
        <span>{day(days.at(-1))}</span>
      </div>
      <table className="unseen">
        <caption>{title}, by day</caption>
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">{name ?? title}</th>
            {inner && <th scope="col">{inner.name}</th>}
          </tr>
        </thead>
        <tbody>
          {days.map((each, n) => (
            <tr key={each}>
              <th scope="row">{day(each)}</th>
              <td>{written(values[n] ?? 0)}</td>
              {inner && <td>{written(inner.values[n] ?? 0)}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function Bars({ values, top, look }: { values: number[]; top: number; look: string }) {
  return bars(values, top).map(({ x, y, width, height }) => (
    <rect key={x} className={`bar-${look}`} x={x} y={y} width={width} height={height} />
  ));
}

const DAY = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", timeZone: "UTC" });

function day(written: string | undefined): string {
  return written ? DAY.format(new Date(`${written}T00:00:00Z`)) : "";
}

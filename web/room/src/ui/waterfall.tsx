import { layOut, type Parts, short } from "./waterfall-layout.ts";

interface WaterfallProps {
  parts: Parts;
  /** The seconds that the full width stands for, so that turns can be compared; else this turn's. */
  scale?: number;
}

/** Where the time of one turn went: a bar of parts, and the same in words. Nothing without parts. */
export function Waterfall({ parts, scale }: WaterfallProps) {
  const laid = layOut(parts);
  if (!laid) return null;
  const { bars, whole } = laid;
  const share = Math.min(1, whole / (scale ?? whole));
  return (
    <figure className="waterfall">
      <figcaption className="unseen">
        Answered after {short(whole)}:{" "}
        {bars.map((bar) => `${bar.part} ${short(bar.seconds)}`).join(", ")}
      </figcaption>
      <svg
        aria-hidden="true"
        className="waterfall-bar"
        viewBox="0 0 100 4"
        preserveAspectRatio="none"
      >
        {bars.map(({ part, from, width }) => (
          <rect
            key={part}
            className={`part-${part}`}
            x={from * 100 * share}
            y={0}
            width={width * 100 * share}
            height={4}
          />
        ))}
      </svg>
      <ol aria-hidden="true" className="waterfall-parts">
        <li>
          <b>{short(whole)}</b>
        </li>
        {bars.map(({ part, seconds }) => (
          <li key={part}>
            <i className={`part-${part}`} /> {part} <b>{short(seconds)}</b>
          </li>
        ))}
      </ol>
    </figure>
  );
}

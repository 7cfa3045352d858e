import { type ReactNode, useEffect, useRef } from "react";
import { Empty, Waterfall } from "../ui/index.ts";
import { short } from "../ui/waterfall-layout.ts";
import type { Item } from "./timeline.ts";
import type { ToolCall, Turn } from "./types.ts";
import { clock, eventWord, isTrouble } from "./words.ts";

interface TranscriptProps {
  items: Item[];
  /** Seconds that the longest answer took. */
  scale: number;
  /** The key of the turn that is heard. */
  playing?: string | null;
  /** Seconds into the recording at a moment (ms); null: it is not in it. */
  offset?: (at: number) => number | null;
  play?: (second: number) => void;
}

/** What was said, with what happened between. A line that is in the recording plays from there. */
export function Transcript(props: TranscriptProps) {
  const { items, scale, playing = null, offset = () => null, play = () => {} } = props;
  return (
    <section aria-labelledby="transcript-heading" className="calls-part">
      <h2 id="transcript-heading">Transcript</h2>
      {!items.some(({ kind }) => kind === "turn") && (
        <Empty title="Nothing was said">The call ended before anybody spoke.</Empty>
      )}
      <ol className="transcript">
        {items.map((item) => (
          <Line
            key={item.key}
            item={item}
            scale={scale}
            isPlaying={item.key === playing}
            at={offset(item.at)}
            play={play}
          />
        ))}
      </ol>
    </section>
  );
}

interface LineProps {
  item: Item;
  scale: number;
  isPlaying: boolean;
  at: number | null;
  play: (second: number) => void;
}

function Line({ item, scale, isPlaying, at, play }: LineProps) {
  const line = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isPlaying) line.current?.scrollIntoView({ block: "nearest" });
  }, [isPlaying]);
  const role = item.kind === "turn" ? item.turn.role : item.kind;
  return (
    <li
      ref={line}
      className={`told told-${role}`}
      aria-current={isPlaying ? "true" : undefined}
      data-trouble={(item.kind === "event" && isTrouble(item.event)) || undefined}
    >
      <Time after={item.after} at={at} play={play} />
      <div className="told-what">
        {item.kind === "turn" && <Said turn={item.turn} scale={scale} at={at} play={play} />}
        {item.kind === "tool" && <Tool tool={item.tool} />}
        {item.kind === "event" && <p>{eventWord(item.event)}</p>}
      </div>
    </li>
  );
}

/** Since the call began; in the recording it plays from there. */
function Time({ after, at, play }: Pick<LineProps, "at" | "play"> & { after: number }): ReactNode {
  const time = clock(after);
  if (at === null) return <span className="told-time">{time}</span>;
  return (
    <button
      type="button"
      className="told-time told-play"
      aria-label={`Play from ${time}`}
      onClick={() => play(at)}
    >
      {time}
    </button>
  );
}

function Said({ turn, scale, at, play }: Omit<LineProps, "item" | "isPlaying"> & { turn: Turn }) {
  const { whole } = turn.parts;
  return (
    <>
      <p className="told-role">{turn.role === "user" ? "Caller" : "Agent"}</p>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the time beside it is the button. */}
      <p
        className="told-text"
        data-plays={at !== null || undefined}
        onClick={() => at !== null && play(at)}
      >
        {turn.text}
        {turn.interrupted && <span className="told-cut"> — cut off here</span>}
      </p>
      {whole !== undefined && (
        <details className="told-took">
          <summary>answered in {short(whole)}</summary>
          <Waterfall parts={turn.parts} scale={scale} />
        </details>
      )}
    </>
  );
}

function Tool({ tool }: { tool: ToolCall }) {
  return (
    <details>
      <summary>
        {tool.tool} {tool.failed ? "failed" : "done"} in {short(tool.seconds)}
      </summary>
      <dl className="tool">
        <dt>Asked with</dt>
        <dd>
          <code>{JSON.stringify(tool.arguments)}</code>
        </dd>
        <dt>Answered</dt>
        <dd>
          <code>{tool.result ?? "nothing"}</code>
        </dd>
      </dl>
    </details>
  );
}

import { useEffect, useRef } from "react";
import { Waterfall } from "../ui/index.ts";
import { layOut, short } from "../ui/waterfall-layout.ts";
import type { Shown } from "./store.ts";
import { beginning, clock, divided, type Entry, type Words } from "./transcript.ts";

interface ScriptProps {
  shown: Shown;
  agent: string;
  language: string;
}

/** Seconds that a waterfall's full width stands for, unless a turn took longer. */
const SCALE = 1.5;
/** Words that are shown of what was cut off; the file has them all. */
const CUT = 24;

/** What was said, as a play is printed. What may still change stands below, and is not read aloud. */
export function Script({ shown, agent, language }: ScriptProps) {
  const { settled, changing } = divided(shown.entries);
  const scale = Math.max(SCALE, ...shown.entries.map(secondsOf));
  const end = useRef<HTMLDivElement>(null);

  // biome-ignore lint/correctness/useExhaustiveDependencies: with every word that comes.
  useEffect(() => {
    const near = innerHeight + scrollY > document.documentElement.scrollHeight - 240;
    if (near) end.current?.scrollIntoView({ block: "nearest" });
  }, [shown.entries]);

  return (
    <div className="script" lang={language}>
      <h2 className="unseen" lang="en">
        Transcript
      </h2>
      {!shown.entries.length && (shown.met || shown.phase !== "ended") && (
        <p className="script-empty" lang="en">
          {shown.phase === "ended" ? "Nothing was said." : "What you both say is written here."}
        </p>
      )}
      <div role="log" aria-live="polite" aria-label="Transcript">
        {settled.map((entry) => (
          <Line key={entry.id} entry={entry} agent={agent} scale={scale} />
        ))}
      </div>
      <div aria-hidden="true">
        {changing.map((words) => (
          <Line key={words.id} entry={words} agent={agent} scale={scale} />
        ))}
      </div>
      <div ref={end} />
    </div>
  );
}

function secondsOf(entry: Entry): number {
  return (entry.kind === "words" && entry.parts && layOut(entry.parts)?.whole) || 0;
}

function Line({ entry, agent, scale }: { entry: Entry; agent: string; scale: number }) {
  if (entry.kind === "words") return <Speech words={entry} agent={agent} scale={scale} />;
  return (
    <p className="aside" lang="en">
      <time className="line-time">{clock(entry.at)}</time>
      {entry.kind === "note" ? entry.text : <ToolLine {...entry} />}
    </p>
  );
}

function ToolLine({ name, state, seconds }: Extract<Entry, { kind: "tool" }>) {
  const how = { started: "runs", done: "done", failed: "failed" }[state];
  return (
    <>
      tool <code>{name}</code> {how}
      {seconds !== null && ` in ${short(seconds)}`}
    </>
  );
}

function Speech({ words, agent, scale }: { words: Words; agent: string; scale: number }) {
  return (
    <div className="line" data-role={words.role} data-state={words.state}>
      <p className="line-who" lang="en">
        {words.role === "user" ? "You" : agent} <time className="line-time">{clock(words.at)}</time>
      </p>
      <div className="line-said">
        <p>
          {words.text}
          {words.unspoken && (
            <>
              {" "}
              <span className="unseen" lang="en">
                (cut off, not heard:)
              </span>
              <s>{beginning(words.unspoken, CUT)}</s>
            </>
          )}
        </p>
        {words.role === "assistant" && words.parts?.whole !== undefined && (
          <div lang="en">
            <Waterfall parts={words.parts} scale={scale} />
          </div>
        )}
      </div>
    </div>
  );
}

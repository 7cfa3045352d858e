import { useRef, useState } from "react";
import { Link } from "../router.tsx";
import { Button, Empty } from "../ui/index.ts";
import { Erase } from "./erase.tsx";
import { Facts } from "./facts.tsx";
import { moment } from "./past.tsx";
import { Recording } from "./recording.tsx";
import { isAway, useRemote } from "./remote.ts";
import { itemsOf, longestAnswer, recordingBegan, secondsIn, turnAt } from "./timeline.ts";
import { Transcript } from "./transcript.tsx";
import type { Peaks, WholeCall } from "./types.ts";
import { clock, directionWord, outcomeWord, talked, whom } from "./words.ts";

/** A call that goes on is asked for again so often. */
const LIVE_MS = 3000;

/** One call: what was said, done and measured, and its sound. */
export function CallPage({ id }: { id: string }) {
  const path = `/v1/calls/${encodeURIComponent(id)}`;
  const [isLive, setLive] = useState(false);
  const { data: call, error, reload } = useRemote<WholeCall>(path, isLive ? LIVE_MS : undefined);
  if (call && isLive === (call.ended_at !== null)) setLive(call.ended_at === null);
  return (
    <article className="call">
      <p>
        <Link href="/calls">All calls</Link>
      </p>
      {error?.code === "no_such_call" ? (
        <Empty title="There is no such call">
          It may have been erased. <Link href="/calls">Look at the others</Link>
        </Empty>
      ) : (
        error && (
          <Empty title="The call could not be read" role="alert">
            {error.message} {isAway(error) ? "" : <Button onClick={reload}>Try again</Button>}
          </Empty>
        )
      )}
      {!call && !error && <Empty title="One moment" busy />}
      {call && <Whole call={call} path={path} />}
    </article>
  );
}

function Whole({ call, path }: { call: WholeCall; path: string }) {
  return (
    <>
      <Head call={call} />
      {call.summary && <p className="call-summary">{call.summary}</p>}
      {call.recorded ? (
        <WithSound call={call} path={path} />
      ) : (
        <Transcript items={itemsOf(call)} scale={longestAnswer(call)} />
      )}
      <Facts call={call} path={path} />
      {call.ended_at !== null && <Erase path={path} />}
    </>
  );
}

function Head({ call }: { call: WholeCall }) {
  const seconds = talked(call);
  const facts = [
    moment(call.started_at),
    directionWord(call.direction),
    call.persona,
    seconds === null ? null : clock(seconds),
    call.test && call.direction !== "room" ? "Test" : null,
  ];
  return (
    <header className="whole-head">
      <h1>{whom(call)}</h1>
      <p className="call-facts">{facts.filter(Boolean).join(" · ")}</p>
      <p className="call-outcome">
        {outcomeWord(call)}
        {call.end_reason && `: ${call.end_reason}`}
      </p>
    </header>
  );
}

/** The transcript beside its recording: each leads to the other. */
function WithSound({ call, path }: { call: WholeCall; path: string }) {
  const { data: peaks, error } = useRemote<Peaks>(`${path}/peaks?pieces=500`);
  const [second, setSecond] = useState(0);
  const [isBegun, setBegun] = useState(false);
  const sound = useRef<HTMLAudioElement>(null);
  const items = itemsOf(call);
  const length = peaks?.seconds ?? 0;
  const began = recordingBegan(call, length);
  const play = (at: number) => {
    const element = sound.current;
    if (!element) return;
    element.currentTime = at;
    void element.play().catch(() => {}); // the browser says in the player why not
  };
  const offset = (at: number) => (peaks ? secondsIn(began, length, at) : null);
  return (
    <>
      <Recording
        ref={sound}
        path={path}
        peaks={peaks}
        error={error}
        marks={items.flatMap(({ key, kind, at }) => {
          const where = offset(at);
          return kind === "turn" || where === null ? [] : [{ key, at: where / length, kind }];
        })}
        second={second}
        onSecond={setSecond}
        onBegin={() => setBegun(true)}
      />
      <Transcript
        items={items}
        scale={longestAnswer(call)}
        playing={isBegun ? turnAt(items, began, second) : null}
        offset={offset}
        play={play}
      />
    </>
  );
}

import { useState } from "react";
import { request } from "../api.ts";
import { Link } from "../router.tsx";
import { Button, Empty } from "../ui/index.ts";
import { short } from "../ui/waterfall-layout.ts";
import { HangUp, Say, Transfer } from "./orders.tsx";
import type { LiveCall } from "./types.ts";
import { type Listening, useListening } from "./use-listening.ts";
import { type useLive, useSeconds } from "./use-live.ts";
import { clock, directionWord, stateWord, whomMasked } from "./words.ts";

type Order = { call: LiveCall; kind: "hang up" | "say" | "transfer" };

/** The calls that go on, and what may be done to them. */
export function LiveCalls({ live }: { live: ReturnType<typeof useLive> }) {
  const { calls, error, reload } = live;
  const listening = useListening();
  const [order, setOrder] = useState<Order | null>(null);
  const close = () => setOrder(null);
  const send = async (call: LiveCall, what: string, body?: unknown) => {
    const answer = await request<{ result?: string } | null>(
      `/v1/live/${encodeURIComponent(call.id)}/${what}`,
      { method: "POST", body },
    );
    reload();
    return answer;
  };
  const chosen = (kind: Order["kind"]) => (order?.kind === kind ? order.call : null);
  return (
    <section aria-labelledby="live-heading" className="calls-part">
      <h2 id="live-heading">
        Now {calls && calls.length > 0 && <span className="calls-count">{calls.length}</span>}
      </h2>
      {error && (
        <p role="alert" className="calls-problem">
          {error.message} {calls ? "What is shown may be old." : ""}
        </p>
      )}
      {listening.problem && (
        <p role="alert" className="calls-problem">
          {listening.problem}
        </p>
      )}
      <p role="status" className="unseen">
        {listening.state === "on" ? "You are listening in. Nobody in the call can tell." : ""}
      </p>
      {calls?.length === 0 && (
        <Empty title="Nobody is on the line">
          A call appears here as soon as it arrives. To make one, talk in the room.
        </Empty>
      )}
      {!calls && !error && <Empty title="One moment" busy />}
      {calls && calls.length > 0 && (
        <ul className="live">
          {calls.map((call) => (
            <Live
              key={call.id}
              call={call}
              listening={listening}
              ask={(kind) => setOrder({ call, kind })}
            />
          ))}
        </ul>
      )}
      <HangUp call={chosen("hang up")} send={send} close={close} />
      <Say call={chosen("say")} send={send} close={close} />
      <Transfer call={chosen("transfer")} send={send} close={close} />
    </section>
  );
}

interface LiveProps {
  call: LiveCall;
  listening: Listening;
  ask: (kind: Order["kind"]) => void;
}

function Live({ call, listening, ask }: LiveProps) {
  const name = `${whomMasked(call)}, ${call.persona ?? "no agent yet"}`;
  const isTalking = call.state === "active";
  return (
    <li className="live-call" aria-label={name}>
      <div className="live-who">
        <p className="live-whom">
          {call.started_at ? (
            <Link href={`/calls/${encodeURIComponent(call.id)}`}>{whomMasked(call)}</Link>
          ) : (
            whomMasked(call)
          )}
        </p>
        <p className="live-about">
          {call.persona ?? "No agent yet"}
          {call.direction && call.direction !== "room" && ` · ${directionWord(call.direction)}`}
          {call.test && call.direction !== "room" && " · Test"}
        </p>
      </div>
      <p className="live-state">
        <i data-state={call.state} aria-hidden="true" />
        {stateWord(call.state)} <Age call={call} />
      </p>
      <p className="live-last">
        {call.last ? (
          <>
            <span className="live-role">{call.last.role === "user" ? "Caller" : "Agent"}</span>{" "}
            {call.last.text}
          </>
        ) : (
          <span className="live-role">Nothing was said yet</span>
        )}
      </p>
      <p className="live-latency">
        {call.latency !== null && (
          <>
            <span className="live-role">answered in</span> {short(call.latency)}
          </>
        )}
      </p>
      <div className="live-orders">
        <ListenButton call={call} name={name} listening={listening} />
        <Button disabled={!isTalking} onClick={() => ask("say")} aria-label={`Say… to ${name}`}>
          Say…
        </Button>
        <Button
          disabled={!isTalking || call.direction === "room"}
          onClick={() => ask("transfer")}
          aria-label={`Transfer… ${name}`}
        >
          Transfer…
        </Button>
        <Button onClick={() => ask("hang up")} aria-label={`Hang up… on ${name}`}>
          Hang up…
        </Button>
      </div>
    </li>
  );
}

function ListenButton({ call, name, listening }: Omit<LiveProps, "ask"> & { name: string }) {
  const isHeard = listening.id === call.id;
  return (
    <Button
      pressed={isHeard}
      onClick={() => (isHeard ? listening.stop() : listening.listen(call.id))}
      aria-label={`Listen in on ${name}`}
    >
      {isHeard ? (listening.state === "on" ? "Listening" : "Connecting") : "Listen in"}
    </Button>
  );
}

function Age({ call }: { call: LiveCall }) {
  const now = useSeconds();
  const [first] = useState({ at: now, seconds: call.seconds });
  const age = call.started_at
    ? now - Date.parse(call.started_at) / 1000
    : first.seconds + now - first.at;
  return <span className="live-age">{clock(age)}</span>;
}

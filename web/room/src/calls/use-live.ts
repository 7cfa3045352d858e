import { useEffect, useState } from "react";
import { useRemote } from "./remote.ts";
import type { LiveCall } from "./types.ts";

const TOLD = ["ready", "call.started", "turn", "call.ended"];
/** After these the server ends the stream. */
const OVER = ["overflow", "closed"];

const TOGETHER_MS = 250;
const AGAIN_MS = 3000;
/** What no event tells: a state, a room that the ledger does not know yet. */
const ANYWAY_MS = 10_000;

/** The calls that go on: asked for when an event says that something has changed. */
export function useLive() {
  const { data, error, reload } = useRemote<{ calls: LiveCall[] }>("/v1/live", ANYWAY_MS);
  useLiveEvents(reload);
  return { calls: data?.calls ?? null, error, reload };
}

function useLiveEvents(tell: () => void): void {
  const [tries, setTries] = useState(0);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `tries` is how it connects again.
  useEffect(() => {
    let soon: ReturnType<typeof setTimeout> | undefined;
    let again: ReturnType<typeof setTimeout> | undefined;
    const source = new EventSource("/v1/live/events");
    const changed = () => {
      clearTimeout(soon);
      soon = setTimeout(tell, TOGETHER_MS);
    };
    const lost = () => {
      source.close();
      clearTimeout(again);
      again = setTimeout(() => setTries((times) => times + 1), AGAIN_MS);
    };
    for (const kind of TOLD) source.addEventListener(kind, changed);
    for (const kind of OVER) source.addEventListener(kind, lost);
    // A browser gives up by itself after an answer that is no stream.
    source.onerror = () => source.readyState === EventSource.CLOSED && lost();
    return () => {
      source.close();
      clearTimeout(soon);
      clearTimeout(again);
    };
  }, [tries, tell]);
}

/** The clock, in seconds, once a second. */
export function useSeconds(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const ticking = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(ticking);
  }, []);
  return now / 1000;
}

import { useEffect, useRef, useState } from "react";
import { type ApiError, request } from "../api.ts";
import { asApiError } from "./remote.ts";
import type { Call, Page } from "./types.ts";

/** A search goes on by itself until it has this many, or for this long, or is stopped. */
const ENOUGH = 20;
const PATIENCE_MS = 8000;

export interface Calls {
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
export function useCalls(asked: string, live: string): Calls {
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

  // biome-ignore lint/correctness/useExhaustiveDependencies: a call that has ended is the occasion.
  useEffect(() => {
    if (busy || held.asked !== asked || !isFirst(held)) return;
    const stopped = new AbortController();
    // What is shown stays if this fails: it is asked again with the next call.
    pages(asked, NOTHING, stopped.signal, (page) => setHeld({ asked, ...page })).catch(() => {});
    return () => stopped.abort();
  }, [live]);

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

/** Nobody has asked for older ones, nor looked through more than one page of a search. */
function isFirst({ calls, searched }: Page): boolean {
  return calls.length <= 50 && !searched;
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

import { useCallback, useEffect, useState } from "react";
import { ApiError, request, UNREACHABLE } from "../api.ts";

export interface Remote<T> {
  /** What was answered last; stays while it is asked again. */
  data: T | null;
  error: ApiError | null;
  reload: () => void;
}

const AGAIN_MS = 3000;

/** What is at `path`, asked again every so many milliseconds, and soon where nobody answered. */
export function useRemote<T>(path: string, everyMs?: number): Remote<T> {
  const [held, setHeld] = useState<{ path: string; data: T | null; error: ApiError | null }>({
    path,
    data: null,
    error: null,
  });
  const [asked, setAsked] = useState(0);
  const reload = useCallback(() => setAsked((times) => times + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is how one asks again.
  useEffect(() => {
    const stopping = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    request<T>(path, { signal: stopping.signal })
      .then((data) => {
        setHeld({ path, data, error: null });
        if (everyMs) again = setTimeout(reload, everyMs);
      })
      .catch((problem: unknown) => {
        if (stopping.signal.aborted) return;
        const error = asApiError(problem);
        setHeld((before) => ({ path, data: before.path === path ? before.data : null, error }));
        if (everyMs || isAway(error)) again = setTimeout(reload, AGAIN_MS);
      });
    return () => {
      stopping.abort();
      clearTimeout(again);
    };
  }, [path, everyMs, asked, reload]);

  const current = held.path === path ? held : { data: null, error: null };
  return { data: current.data, error: current.error, reload };
}

export function asApiError(problem: unknown): ApiError {
  return problem instanceof ApiError ? problem : new ApiError(0, "failed", String(problem));
}

/** It may be there again in a moment. */
export function isAway({ code, status }: ApiError): boolean {
  return code === UNREACHABLE || status === 502 || status === 503 || status === 504;
}

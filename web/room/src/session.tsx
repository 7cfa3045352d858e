import {
  createContext,
  type ReactNode,
  useCallback,
  useContext,
  useEffect,
  useMemo,
  useState,
} from "react";
import { ApiError, request } from "./api.ts";

export interface Persona {
  name: string;
  language: string;
  greeting?: string | null;
  /** What a call may tell the agent, with what it is told otherwise. */
  variables: Record<string, string>;
}

/** `GET /room/config`. */
export interface Config {
  livekit_url: string | null;
  personas: Persona[];
  login: "none" | "password" | "oidc";
  signed_in: boolean;
  version: string;
}

export interface Session {
  /** Null until the server has answered. */
  config: Config | null;
  /** Why there is none. */
  error: ApiError | null;
  /** Ask again: after a sign-in, or when the server is back. */
  reload: () => void;
}

const SessionContext = createContext<Session | null>(null);

const AGAIN_MS = 3000;

/** Asks the server who is here; while it does not answer, asks again. */
export function SessionProvider({ children }: { children: ReactNode }) {
  const [config, setConfig] = useState<Config | null>(null);
  const [error, setError] = useState<ApiError | null>(null);
  const [asked, setAsked] = useState(0);
  const reload = useCallback(() => setAsked((times) => times + 1), []);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `asked` is how one asks again.
  useEffect(() => {
    const stopping = new AbortController();
    let again: ReturnType<typeof setTimeout> | undefined;
    request<Config>("/room/config", { signal: stopping.signal })
      .then((answer) => {
        setConfig(answer);
        setError(null);
      })
      .catch((problem: unknown) => {
        if (stopping.signal.aborted) return;
        setError(
          problem instanceof ApiError ? problem : new ApiError(0, "failed", String(problem)),
        );
        again = setTimeout(reload, AGAIN_MS);
      });
    return () => {
      stopping.abort();
      clearTimeout(again);
    };
  }, [asked, reload]);

  const session = useMemo(() => ({ config, error, reload }), [config, error, reload]);
  return <SessionContext value={session}>{children}</SessionContext>;
}

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error("useSession is for what stands inside SessionProvider");
  return session;
}

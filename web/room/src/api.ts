/** What the server refused, in its own words: `message` names the fix. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The server cannot be reached at all. */
export const UNREACHABLE = "unreachable";

const AWAY = "Parley's server does not answer. See that it runs: start it by make run.";

interface Wanted {
  method?: string;
  body?: unknown;
  signal?: AbortSignal;
}

/** JSON from the server. Throws `ApiError`; one with the code `UNREACHABLE` when nothing came back. */
export async function request<T>(path: string, wanted: Wanted = {}): Promise<T> {
  const response = await send(path, wanted);
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as T;
  const { code, message } = problem(answer);
  throw new ApiError(response.status, code ?? `http_${response.status}`, message ?? AWAY);
}

async function send(path: string, { method, body, signal }: Wanted): Promise<Response> {
  const options: RequestInit = { credentials: "same-origin", headers: {} };
  options.method = method ?? (body === undefined ? "GET" : "POST");
  if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers = { "Content-Type": "application/json" };
  }
  if (signal) options.signal = signal;
  try {
    return await fetch(path, options);
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, UNREACHABLE, AWAY);
  }
}

function problem(answer: unknown): { code?: string; message?: string } {
  if (typeof answer !== "object" || answer === null || !("error" in answer)) return {};
  return answer.error as { code?: string; message?: string };
}

import { request } from "../api.ts";

/** Whom to talk to, and what they are told of the call. */
export interface Wanted {
  persona: string;
  vars: Record<string, string>;
}

interface Token {
  url: string;
  token: string;
  call_id: string;
}

/** The agent is asked for at once, and waits some seconds. Throws `ApiError`. */
export function newToken(wanted: Wanted): Promise<Token> {
  return request("/room/token", { body: wanted });
}

import { DisconnectReason } from "livekit-client";
import { ApiError, UNREACHABLE } from "../api.ts";

/** Why there is no talk, and what to do about it. */
export interface Trouble {
  title: string;
  todo: string;
}

export const MICROPHONE_NEEDS_HTTPS: Trouble = {
  title: "This page may not use the microphone",
  todo: "Browsers lend it only to a page at 127.0.0.1 or behind https. Open Parley there.",
};

export const NO_WORKER: Trouble = {
  title: "Nobody answers",
  todo: "No worker took the call: either none runs (.run/logs/worker.log says why), or it holds as many calls as it may (AGENT_MAX_CALLS).",
};

export const REFUSED: Trouble = {
  title: "The agent could not take the call",
  todo: "Its worker was there and gave up. Its log (.run/logs/worker.log) says why.",
};

export const AGENT_LEFT: Trouble = {
  title: "The agent went away",
  todo: "Its worker ended in the middle of the call. Its log says why; talk again when it is back.",
};

export const CONNECTION_LOST: Trouble = {
  title: "The connection is lost",
  todo: "Parley's server was restarted, or the network is away. This call is over; talk again.",
};

export const RESTARTED: Trouble = {
  title: "The server was restarted",
  todo: "It gave this call a second agent, so the call is over. Talk again.",
};

export const NO_MEDIA: Trouble = {
  title: "No sound comes through",
  todo: "The browser reached the server but no audio could pass. See that nothing between them blocks UDP.",
};

const MICROPHONE: Record<string, Trouble> = {
  NotAllowedError: {
    title: "The microphone is refused",
    todo: "Allow it for this page, beside the address in the browser's bar, and talk again.",
  },
  NotFoundError: {
    title: "There is no microphone",
    todo: "Connect one, or switch it on in the system's settings, and talk again.",
  },
  NotReadableError: {
    title: "The microphone is taken",
    todo: "Another program holds it, or the system refuses it. Close that program and talk again.",
  },
  OverconstrainedError: {
    title: "That microphone is gone",
    todo: "Choose another, and talk again.",
  },
};

/** Of whatever `getUserMedia` threw. */
export function microphoneTrouble(error: unknown): Trouble {
  const name = error instanceof Error ? error.name : "";
  return MICROPHONE[name] ?? { title: "The microphone cannot be used", todo: said(error) };
}

/** Of what the server refused. */
export function serverTrouble(error: unknown): Trouble {
  if (!(error instanceof ApiError)) {
    const todo = `The browser does not reach LiveKit: see that it runs, and PARLEY_WEB_LIVEKIT_URL (${said(error)}).`;
    return { title: "The call could not be connected", todo };
  }
  if (error.code === UNREACHABLE) {
    return { title: "The server does not answer", todo: error.message };
  }
  return { title: "The call could not begin", todo: error.message };
}

/** Of a call that ended, but not by us. Null: the agent hung up. */
export function disconnectTrouble(
  reason: DisconnectReason | undefined,
  met: boolean,
): Trouble | null {
  switch (reason) {
    case DisconnectReason.ROOM_DELETED:
    case DisconnectReason.ROOM_CLOSED:
    case DisconnectReason.PARTICIPANT_REMOVED:
      return met ? null : REFUSED;
    case DisconnectReason.MEDIA_FAILURE:
      return NO_MEDIA;
    default:
      return CONNECTION_LOST;
  }
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

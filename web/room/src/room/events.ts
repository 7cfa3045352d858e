import type { Parts } from "../ui/waterfall-layout.ts";
import type { Role } from "./transcript.ts";

/** What the agent tells of its own doing, on the data topic `parley.events`. */
export const TOPIC = "parley.events";

export type AgentEvent =
  | {
      kind: "turn";
      role: Role;
      id: string;
      text: string;
      interrupted: boolean;
      unspoken: string;
      parts: Parts;
    }
  | {
      kind: "tool";
      id: string;
      name: string;
      state: "started" | "done" | "failed";
      seconds: number | null;
    }
  | { kind: "interruption" }
  | { kind: "false_interruption"; resumed: boolean }
  | { kind: "failure"; part: string; failure: string };

const VERSION = 1;

/** Null for what this page does not know: the agent may be newer. */
export function readEvent(payload: Uint8Array): AgentEvent | null {
  let sent: Record<string, unknown>;
  try {
    sent = JSON.parse(new TextDecoder().decode(payload));
  } catch {
    return null;
  }
  if (typeof sent !== "object" || sent === null || sent.v !== VERSION) return null;
  switch (sent.kind) {
    case "turn":
      return turn(sent);
    case "tool":
      return tool(sent);
    case "interruption":
      return { kind: "interruption" };
    case "false_interruption":
      return { kind: "false_interruption", resumed: sent.resumed === true };
    case "failure":
      return { kind: "failure", part: text(sent.part), failure: text(sent.failure) };
    default:
      return null;
  }
}

function turn(sent: Record<string, unknown>): AgentEvent | null {
  if (sent.role !== "user" && sent.role !== "assistant") return null;
  return {
    kind: "turn",
    role: sent.role,
    id: text(sent.id),
    text: text(sent.text),
    interrupted: sent.interrupted === true,
    unspoken: text(sent.unspoken),
    parts: parts(sent.parts),
  };
}

function tool(sent: Record<string, unknown>): AgentEvent | null {
  if (sent.state !== "started" && sent.state !== "done" && sent.state !== "failed") return null;
  const seconds = typeof sent.seconds === "number" ? sent.seconds : null;
  return { kind: "tool", id: text(sent.id), name: text(sent.name), state: sent.state, seconds };
}

function parts(sent: unknown): Parts {
  if (typeof sent !== "object" || sent === null) return {};
  return Object.fromEntries(
    Object.entries(sent).filter(([, seconds]) => typeof seconds === "number"),
  );
}

function text(sent: unknown): string {
  return typeof sent === "string" ? sent : "";
}

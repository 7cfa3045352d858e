import type { Parts } from "../ui/waterfall-layout.ts";

/** As `/v1/live` and `/v1/calls` say them: moments are ISO 8601, durations seconds. */

export interface LiveCall {
  id: string;
  persona: string | null;
  direction: string | null;
  from_number: string | null;
  to_number: string | null;
  state: string;
  started_at: string | null;
  seconds: number;
  callers: number;
  agents: number;
  test: boolean;
  last: { role: string; text: string; at: string } | null;
  latency: number | null;
}

export interface Call {
  id: string;
  direction: string;
  persona: string;
  from_number: string | null;
  to_number: string | null;
  test: boolean;
  state: string;
  started_at: string;
  answered_at: string | null;
  ended_at: string | null;
  outcome: string | null;
  end_reason: string | null;
  heard_seconds: number;
  spoken_seconds: number;
  usage: Usage;
  cost?: number | null;
  recorded: boolean;
  summary: string | null;
  extracted: Record<string, unknown> | null;
}

export interface Usage {
  line_seconds?: number;
  models?: Record<string, unknown>[];
  apologies?: number;
  stalls?: Record<string, number>;
}

export interface Turn {
  at: string;
  role: string;
  text: string;
  interrupted: boolean;
  parts: Parts;
}

export interface CallEvent {
  at: string;
  kind: string;
  details: Record<string, unknown>;
}

export interface ToolCall {
  at: string;
  tool: string;
  arguments: Record<string, unknown>;
  result: string | null;
  failed: boolean;
  seconds: number;
}

export interface Leg {
  identity: string;
  number: string | null;
  joined_at: string;
  left_at: string | null;
}

export interface WholeCall extends Call {
  turns: Turn[];
  events: CallEvent[];
  tool_calls: ToolCall[];
  legs: Leg[];
}

export interface Page {
  calls: Call[];
  next: string | null;
  searched: string | null;
}

export interface Peaks {
  seconds: number;
  caller: number[];
  agent: number[];
}

/** As `/v1/overview` says them: durations are seconds, rates 0 to 1. */

export interface Spread {
  p50: number;
  p95: number;
}

export interface Day {
  day: string | null;
  calls: number;
  inbound: number;
  over: number;
  answered: number;
  answer_rate: number | null;
  outcomes: Record<string, number>;
  interruptions: number;
  failures: number;
  latency: Record<string, Spread>;
}

export interface Engine {
  name: string;
  state: "ready" | "full" | "absent";
  held: number | null;
  room: number | null;
  model: string | null;
  about: string | null;
}

export interface OverviewData {
  zone: string;
  today: Day;
  total: Day;
  days: Day[];
  engines: Engine[];
}

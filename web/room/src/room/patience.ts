import { AGENT_LEFT, NO_WORKER, type Trouble } from "./trouble.ts";

/** Milliseconds for the agent to be heard of, until it is said what to do, and until we hang up. */
export const ARRIVAL = 10_000;
export const RINGING = 60_000;
/** The same for one that left to come back, or for the room to be closed behind it. */
export const RETURN = 5_000;
/** The same after we were away ourselves: what took us away may have taken it, too. */
export const REUNION = 25_000;

/** How long the agent is waited for; the wait that began last is the one that counts. */
export class Patience {
  private timer: ReturnType<typeof setTimeout> | undefined;

  /** `say` goes on waiting. */
  constructor(
    private readonly say: (trouble: Trouble) => void,
    private readonly giveUp: (trouble: Trouble) => void,
  ) {}

  /** A worker that is only slow may still come. */
  forArrival(): void {
    this.wait(ARRIVAL, () => {
      this.say(NO_WORKER);
      this.wait(RINGING - ARRIVAL, () => this.giveUp(NO_WORKER));
    });
  }

  forReturn(): void {
    this.wait(RETURN, () => this.giveUp(AGENT_LEFT));
  }

  forReunion(): void {
    this.wait(REUNION, () => this.giveUp(AGENT_LEFT));
  }

  end(): void {
    clearTimeout(this.timer);
  }

  private wait(milliseconds: number, then: () => void): void {
    this.end();
    this.timer = setTimeout(then, milliseconds);
  }
}

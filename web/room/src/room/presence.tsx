import { useVoiceAssistant } from "@livekit/components-react";
import { useEffect, useState } from "react";
import { Level } from "../ui/index.ts";
import { isUp, type Shown } from "./store.ts";
import type { Talk } from "./talk.ts";
import { clock } from "./transcript.ts";

const LOOKING = 100;

const AGENT: Record<string, string> = {
  listening: "is listening",
  thinking: "is thinking",
  speaking: "is speaking",
};

/** Who is there, what they do, for how long, and how loud both are. */
export function Presence({ talk, shown }: { talk: Talk; shown: Shown }) {
  const { state } = useVoiceAssistant();
  const { mine, theirs, seconds } = useLevels(talk, isUp(shown.phase));
  return (
    <div className="presence">
      <p className="presence-state">
        <span role="status">{describe(shown, state)}</span>
        {shown.met && <span className="presence-clock">{clock(seconds)}</span>}
      </p>
      {shown.phase !== "ended" && (
        <dl className="presence-levels">
          <dt>You</dt>
          <dd>
            <Level label="Your voice" value={mine} />
          </dd>
          <dt>Agent</dt>
          <dd>
            <Level label="The agent's voice" value={theirs} />
          </dd>
        </dl>
      )}
    </div>
  );
}

function describe(shown: Shown, state: string): string {
  switch (shown.phase) {
    case "asking":
      return "Waiting for the microphone: allow it in the browser";
    case "connecting":
      return "Connecting";
    case "waiting":
      return "Ringing";
    case "lost":
      return "Reconnecting";
    case "talking":
      return `Connected, the agent ${AGENT[state] ?? "is there"}${shown.muted ? "; you are muted" : ""}`;
    default:
      return shown.met ? "The call is over" : "There was no call";
  }
}

function useLevels(talk: Talk, up: boolean) {
  const [now, setNow] = useState({ mine: 0, theirs: 0, seconds: 0 });
  useEffect(() => {
    function look() {
      const { mine, theirs } = talk.levels;
      const seconds = talk.now();
      setNow(
        up
          ? { mine: mine.at(-1) ?? 0, theirs: theirs.at(-1) ?? 0, seconds }
          : { mine: 0, theirs: 0, seconds },
      );
    }
    look();
    if (!up) return;
    const looking = setInterval(look, LOOKING);
    return () => clearInterval(looking);
  }, [talk, up]);
  return now;
}

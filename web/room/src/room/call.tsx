import { useEffect, useRef, useState } from "react";
import type { Persona } from "../session.tsx";
import { Button } from "../ui/index.ts";
import { title } from "./choose.tsx";
import { Controls } from "./controls.tsx";
import { Devices } from "./devices.tsx";
import { Downloads } from "./downloads.tsx";
import { Keypad } from "./keypad.tsx";
import { Presence } from "./presence.tsx";
import { Script } from "./script.tsx";
import { isUp, type Shown } from "./store.ts";
import { Strip } from "./strip.tsx";
import type { Talk } from "./talk.ts";
import type { Trouble } from "./trouble.ts";

interface CallProps {
  talk: Talk;
  shown: Shown;
  persona: Persona;
  onAgain: () => void;
  /** Back to the choice. */
  onAnother: () => void;
}

/** During the call and after it. */
export function Call({ talk, shown, persona, onAgain, onAnother }: CallProps) {
  const [keypad, setKeypad] = useState(false);
  const heading = useRef<HTMLHeadingElement>(null);
  const over = shown.phase === "ended";

  // The button that had the focus is gone: it moves to what stands in its place.
  // biome-ignore lint/correctness/useExhaustiveDependencies: as the call begins, and as it ends.
  useEffect(() => heading.current?.focus(), [over]);

  return (
    <section className="call" data-over={over || undefined}>
      <header className="call-head">
        <h1 ref={heading} tabIndex={-1}>
          {title(persona.name)}
        </h1>
        <Presence talk={talk} shown={shown} />
      </header>
      {shown.trouble && <TroubleNote trouble={shown.trouble} />}
      {shown.phase === "lost" && (
        <TroubleNote
          trouble={{
            title: "The connection is lost",
            todo: "Coming back by itself. Stay on the line, or hang up and talk again.",
          }}
        />
      )}
      {(shown.met || !over) && <Strip talk={talk} shown={shown} />}
      <div className="call-body" data-alone={(over && !shown.met) || undefined}>
        <Script shown={shown} agent={title(persona.name)} language={persona.language} />
        <aside className="call-side" aria-label="Controls of the call">
          {over ? (
            <After shown={shown} persona={persona} onAgain={onAgain} onAnother={onAnother} />
          ) : (
            <div className="dock">
              {keypad && isUp(shown.phase) && <Keypad talk={talk} />}
              <Controls
                talk={talk}
                shown={shown}
                keypad={keypad}
                onKeypad={() => setKeypad(!keypad)}
              />
            </div>
          )}
          {!over && (
            <details className="options">
              <summary>Microphone and loudspeaker</summary>
              <Devices talk={talk} />
            </details>
          )}
        </aside>
      </div>
    </section>
  );
}

function TroubleNote({ trouble }: { trouble: Trouble }) {
  return (
    <div className="trouble" role="alert">
      <p className="trouble-title">{trouble.title}</p>
      <p>{trouble.todo}</p>
    </div>
  );
}

function After({ shown, persona, onAgain, onAnother }: Omit<CallProps, "talk">) {
  return (
    <>
      <div className="controls">
        <Button look="primary" onClick={onAgain}>
          Talk again
        </Button>
        <Button onClick={onAnother}>Choose another</Button>
      </div>
      <Downloads shown={shown} persona={persona} />
    </>
  );
}

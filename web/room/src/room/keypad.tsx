import { useEffect } from "react";
import type { Talk } from "./talk.ts";

const KEYS = "123456789*0#";

/** Tones for the agent, by click or by the keyboard's own keys while it is shown. */
export function Keypad({ talk }: { talk: Talk }) {
  useEffect(() => {
    function typed(event: KeyboardEvent) {
      const target = event.target as HTMLElement | null;
      const writing = target?.matches("input, select, textarea");
      if (!writing && !event.repeat && KEYS.includes(event.key)) talk.press(event.key);
    }
    window.addEventListener("keydown", typed);
    return () => window.removeEventListener("keydown", typed);
  }, [talk]);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for a form, and these send at once.
    <div className="keypad" role="group" aria-label="Keypad">
      {[...KEYS].map((key) => (
        <button key={key} type="button" className="key" onClick={() => talk.press(key)}>
          {key}
        </button>
      ))}
    </div>
  );
}

import { Button } from "../ui/index.ts";
import { isUp, type Shown } from "./store.ts";
import type { Talk } from "./talk.ts";

interface ControlsProps {
  talk: Talk;
  shown: Shown;
  keypad: boolean;
  onKeypad: () => void;
}

export function Controls({ talk, shown, keypad, onKeypad }: ControlsProps) {
  const up = isUp(shown.phase);
  return (
    <div className="controls">
      <Button className="button-hang-up" onClick={() => void talk.hangUp()}>
        Hang up
      </Button>
      <div className="controls-row">
        <Button pressed={shown.muted} disabled={!up} onClick={() => void talk.mute(!shown.muted)}>
          Mute
        </Button>
        <Button pressed={keypad} disabled={!up} onClick={onKeypad}>
          Keypad
        </Button>
        <Button
          pressed={shown.phone}
          disabled={!up}
          onClick={() => void talk.soundAsPhone(!shown.phone)}
        >
          Phone quality
        </Button>
      </div>
    </div>
  );
}

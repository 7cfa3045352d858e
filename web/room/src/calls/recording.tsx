import { type Ref, useImperativeHandle, useRef, useState } from "react";
import type { ApiError } from "../api.ts";
import { Button } from "../ui/index.ts";
import type { Peaks } from "./types.ts";
import { HEIGHT, WIDTH, wavePath } from "./wave-path.ts";
import { clock } from "./words.ts";

interface RecordingProps {
  ref: Ref<HTMLAudioElement>;
  path: string;
  peaks: Peaks | null;
  error: ApiError | null;
  /** What happened beside the talk; `at` is its share of the whole. */
  marks: { key: string; at: number; kind: string }[];
  second: number;
  onSecond: (second: number) => void;
  onBegin: () => void;
}

/** The sound of a call and its picture: the caller above the line, the agent below. */
export function Recording(props: RecordingProps) {
  const { ref, path, peaks, error, marks, second, onSecond, onBegin } = props;
  const sound = useRef<HTMLAudioElement>(null);
  const [isPlaying, setPlaying] = useState(false);
  const [isBroken, setBroken] = useState(false);
  useImperativeHandle(ref, () => sound.current as HTMLAudioElement);
  const seek = (to: number) => {
    if (sound.current) sound.current.currentTime = to;
    onSecond(to);
  };
  const toggle = () => {
    const element = sound.current;
    if (!element) return;
    if (element.paused) void element.play().catch(() => setBroken(true));
    else element.pause();
  };
  return (
    <section className="recording" aria-label="Recording">
      {/* biome-ignore lint/a11y/useMediaCaption: the transcript stands below it. */}
      <audio
        ref={sound}
        src={`${path}/recording`}
        preload="metadata"
        onPlay={() => {
          setPlaying(true);
          onBegin();
        }}
        onPause={() => setPlaying(false)}
        onTimeUpdate={(event) => onSecond(event.currentTarget.currentTime)}
        onError={() => setBroken(true)}
      />
      {isBroken || error ? (
        <p role="alert" className="calls-problem">
          {error?.message ?? "This browser cannot play the recording: take it down and open it."}
        </p>
      ) : (
        <div className="player">
          <Button onClick={toggle} disabled={!peaks} className="player-play">
            {isPlaying ? "Pause" : "Play"}
          </Button>
          <div className="player-wave">
            {peaks && <Wave peaks={peaks} share={second / (peaks.seconds || 1)} marks={marks} />}
            <input
              type="range"
              className="player-range"
              aria-label="Place in the recording"
              aria-valuetext={`${clock(second)} of ${clock(peaks?.seconds ?? 0)}`}
              min={0}
              max={peaks?.seconds ?? 1}
              step={0.1}
              value={second}
              disabled={!peaks}
              onChange={(event) => seek(Number(event.target.value))}
            />
          </div>
          <p className="player-time">
            {clock(second)} / {peaks ? clock(peaks.seconds) : "…"}
          </p>
        </div>
      )}
    </section>
  );
}

interface WaveProps {
  peaks: Peaks;
  /** Of the whole that was played. */
  share: number;
  marks: RecordingProps["marks"];
}

function Wave({ peaks, share, marks }: WaveProps) {
  const box = `0 ${-HEIGHT} ${WIDTH} ${2 * HEIGHT}`;
  return (
    <svg className="wave" viewBox={box} preserveAspectRatio="none" aria-hidden="true">
      <path className="wave-caller" d={wavePath(peaks.caller, -1)} />
      <path className="wave-agent" d={wavePath(peaks.agent, 1)} />
      {marks.map(({ key, at, kind }) => (
        <line
          key={key}
          className={`wave-mark wave-${kind}`}
          x1={at * WIDTH}
          x2={at * WIDTH}
          y1={-HEIGHT}
          y2={HEIGHT}
        />
      ))}
      <line className="wave-now" x1={share * WIDTH} x2={share * WIDTH} y1={-HEIGHT} y2={HEIGHT} />
    </svg>
  );
}

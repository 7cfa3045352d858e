import { useEffect, useRef } from "react";
import { isUp, type Shown } from "./store.ts";
import type { Talk } from "./talk.ts";
import { COLUMN, type Mark, seen, window as shownSeconds } from "./timeline.ts";
import { clock } from "./transcript.ts";

/** Seconds that are seen while the call goes on. */
const SPAN = 30;
/** Pixels from one column to the next, at least. */
const PITCH = 3;
const LANE = 18;

/** Both voices against time, the caller above, and what happened below. */
export function Strip({ talk, shown }: { talk: Talk; shown: Shown }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const latest = useRef(shown);
  latest.current = shown;
  const moving = isUp(shown.phase);

  // biome-ignore lint/correctness/useExhaustiveDependencies: marks are drawn once more at the end.
  useEffect(() => {
    function draw() {
      if (canvas.current) paint(canvas.current, talk, latest.current);
    }
    draw();
    const drawing = moving ? setInterval(draw, COLUMN * 1000) : undefined;
    addEventListener("resize", draw);
    return () => {
      clearInterval(drawing);
      removeEventListener("resize", draw);
    };
  }, [talk, moving, shown.phase]);

  return (
    <figure className="strip">
      <canvas ref={canvas} />
      <figcaption className="strip-key">
        <span className="strip-you">You</span>
        <span className="strip-agent">Agent</span>
        <span className="strip-cut">Interruption</span>
        <span className="strip-tool">Tool</span>
      </figcaption>
      <ol className="unseen" aria-label="What happened in the call">
        {shown.marks.map((mark) => (
          <li key={mark.id}>{told(mark)}</li>
        ))}
      </ol>
    </figure>
  );
}

function told({ kind, label, from }: Mark): string {
  const what = kind === "tool" ? `tool ${label}` : label;
  return `${clock(from)} ${what}`;
}

function paint(canvas: HTMLCanvasElement, talk: Talk, shown: Shown): void {
  const { width, height } = canvas.getBoundingClientRect();
  const dense = devicePixelRatio;
  if (canvas.width !== Math.round(width * dense)) {
    canvas.width = Math.round(width * dense);
    canvas.height = Math.round(height * dense);
  }
  const pen = canvas.getContext("2d");
  if (!pen || !width) return;
  const { from, to } = shownSeconds(talk.now(), shown.phase === "ended", SPAN);
  const at = (seconds: number) => ((seconds - from) / (to - from)) * width;
  const colours = getComputedStyle(canvas);
  pen.setTransform(dense, 0, 0, dense, 0, 0);
  pen.clearRect(0, 0, width, height);
  paintVoices(pen, talk, { from, to, width, middle: (height - LANE) / 2 }, colours);
  for (const mark of shown.marks) paintMark(pen, mark, at, talk.now(), height, colours);
}

interface Frame {
  from: number;
  to: number;
  width: number;
  middle: number;
}

function paintVoices(
  pen: CanvasRenderingContext2D,
  talk: Talk,
  { from, to, width, middle }: Frame,
  colours: CSSStyleDeclaration,
): void {
  pen.fillStyle = colours.getPropertyValue("--line");
  pen.fillRect(0, middle - 0.5, width, 1);
  const columns = seen(talk.levels, from, to, Math.floor(width / PITCH));
  const [first, second] = columns;
  const apart = first && second ? second.at - first.at : COLUMN;
  const wide = Math.min(2 * PITCH, Math.max(1, (apart / (to - from)) * width - 1.2));
  for (const { at, mine, theirs } of columns) {
    const left = ((at - from) / (to - from)) * width;
    pen.fillStyle = colours.getPropertyValue("--ink");
    pen.fillRect(left, middle - 1 - mine * (middle - 2), wide, mine * (middle - 2));
    pen.fillStyle = colours.getPropertyValue("--accent");
    pen.fillRect(left, middle + 1, wide, theirs * (middle - 2));
  }
}

function paintMark(
  pen: CanvasRenderingContext2D,
  { kind, label, from, to }: Mark,
  at: (seconds: number) => number,
  now: number,
  height: number,
  colours: CSSStyleDeclaration,
): void {
  const left = at(from);
  if (kind === "tool") {
    pen.fillStyle = colours.getPropertyValue("--part-speak");
    pen.fillRect(left, height - LANE, Math.max(3, at(to ?? now) - left), 3);
    pen.font = `12px ${colours.fontFamily}`;
    pen.fillStyle = colours.getPropertyValue("--ink-2");
    pen.fillText(label, left, height - 3);
    return;
  }
  pen.fillStyle = colours.getPropertyValue(kind === "failure" ? "--part-speak" : "--ink");
  const faint = kind === "false interruption";
  for (let y = 0; y < height - LANE; y += 4) pen.fillRect(left, y, 1, faint ? 1 : 2.5);
}

import { useEffect, useState } from "react";
import type { Persona } from "../session.tsx";
import { title } from "./choose.tsx";
import type { Shown } from "./store.ts";
import { asText } from "./transcript.ts";

interface DownloadsProps {
  shown: Shown;
  persona: Persona;
}

/** The recording and the words, made here: neither leaves this machine. */
export function Downloads({ shown, persona }: DownloadsProps) {
  const words = useFile(() =>
    shown.entries.length
      ? new Blob([asText(shown.entries, title(persona.name))], { type: "text/plain" })
      : null,
  );
  const recording = useFile(() => shown.recording);
  const name = `parley-${persona.name}`;
  return (
    <ul className="downloads">
      {recording && (
        <li>
          <a href={recording} download={`${name}.${ending(shown.recording)}`}>
            Recording
          </a>
          <small>you left, the agent right</small>
        </li>
      )}
      {words && (
        <li>
          <a href={words} download={`${name}.txt`}>
            Transcript
          </a>
          <small>as text</small>
        </li>
      )}
    </ul>
  );
}

/** "webm" of "audio/webm;codecs=opus". */
function ending(recording: Blob | null): string {
  return recording?.type.split(/[/;]/)[1] ?? "webm";
}

function useFile(make: () => Blob | null): string | null {
  const [url, setUrl] = useState<string | null>(null);
  const blob = make();
  const size = blob?.size ?? 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a file of another size is another file.
  useEffect(() => {
    if (!blob) return;
    const made = URL.createObjectURL(blob);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [size]);
  return url;
}

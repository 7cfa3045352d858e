import type { TextStreamReader } from "livekit-client";
import type { Role, Segment } from "./transcript.ts";

/** LiveKit's topic for what is heard and spoken, and what it says of a stream there. */
export const TRANSCRIPTION = "lk.transcription";
const SEGMENT = "lk.segment_id";
const FINAL = "lk.transcription_final";

/** One stream, longer each time. */
export async function* segments(
  reader: TextStreamReader,
  role: Role,
  at: number,
): AsyncGenerator<Segment> {
  const { attributes = {}, id } = reader.info;
  const about = { id: attributes[SEGMENT] ?? id, role, final: attributes[FINAL] === "true", at };
  let text = "";
  for await (const piece of reader) {
    text += piece;
    yield { ...about, text };
  }
}

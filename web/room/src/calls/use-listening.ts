import { type RemoteTrack, Room, RoomEvent, Track } from "livekit-client";
import { useCallback, useEffect, useRef, useState } from "react";
import { request } from "../api.ts";
import { asApiError } from "./remote.ts";

export interface Listening {
  /** The call that is heard, or about to be. */
  id: string | null;
  state: "off" | "connecting" | "on";
  /** Why it is not, for a person. */
  problem: string | null;
  listen: (id: string) => void;
  stop: () => void;
}

/** Hears one call at a time, unseen by those in it. The server notes who asked for it. */
export function useListening(): Listening {
  const [id, setId] = useState<string | null>(null);
  const [state, setState] = useState<Listening["state"]>("off");
  const [problem, setProblem] = useState<string | null>(null);
  const leave = useRef<() => void>(() => {});

  const stop = useCallback(() => {
    leave.current();
    leave.current = () => {};
    setId(null);
    setState("off");
  }, []);

  const listen = useCallback(
    (call: string) => {
      stop();
      setProblem(null);
      setId(call);
      setState("connecting");
      const { joined, left } = join(call, stop);
      leave.current = left;
      joined
        .then((there) => there && setState("on"))
        .catch((error: unknown) => {
          stop();
          setProblem(asApiError(error).message);
        });
    },
    [stop],
  );

  useEffect(() => () => leave.current(), []);
  return { id, state, problem, listen, stop };
}

/** `over` is called when the call has ended; `joined` is false for who left before. */
function join(call: string, over: () => void): { joined: Promise<boolean>; left: () => void } {
  const room = new Room();
  const stopping = new AbortController();
  const sounds = new Map<RemoteTrack, HTMLMediaElement>();
  room.on(RoomEvent.TrackSubscribed, (track) => {
    if (track.kind !== Track.Kind.Audio) return;
    const element = track.attach();
    element.hidden = true;
    document.body.append(element);
    sounds.set(track, element);
  });
  room.on(RoomEvent.TrackUnsubscribed, (track) => {
    for (const element of track.detach()) element.remove();
    sounds.delete(track);
  });
  room.on(RoomEvent.Disconnected, () => {
    if (!stopping.signal.aborted) over();
  });
  // Who listens keeps a room open: it is left with the last of those who are heard.
  room.on(RoomEvent.ParticipantDisconnected, () => {
    if (!room.remoteParticipants.size) over();
  });
  const left = () => {
    stopping.abort();
    for (const [track, element] of sounds) {
      track.detach(element);
      element.remove();
    }
    void room.disconnect();
  };
  const joined = request<{ url: string; token: string }>(
    `/v1/live/${encodeURIComponent(call)}/listen`,
    { method: "POST", signal: stopping.signal },
  )
    .then(({ url, token }) => room.connect(url, token))
    .then(() => room.startAudio())
    .then(() => true)
    .catch((error: unknown) => {
      if (stopping.signal.aborted) return false;
      throw error;
    });
  return { joined, left };
}

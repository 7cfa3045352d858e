import {
  AudioPresets,
  DisconnectReason,
  ParticipantKind,
  type RemoteParticipant,
  type RemoteTrack,
  Room,
  RoomEvent,
  type TextStreamReader,
  Track,
} from "livekit-client";
import { readEvent, TOPIC } from "./events.ts";
import { Patience } from "./patience.ts";
import { Microphone } from "./sound/microphone.ts";
import { dtmfEvent, Sound } from "./sound/sound.ts";
import {
  isUp,
  NOTHING,
  type Phase,
  type Shown,
  shownEnd,
  shownEvent,
  shownSegment,
} from "./store.ts";
import { Levels } from "./timeline.ts";
import { newToken, type Wanted } from "./token.ts";
import { segments, TRANSCRIPTION } from "./transcription.ts";
import {
  disconnectTrouble,
  MICROPHONE_NEEDS_HTTPS,
  microphoneTrouble,
  RESTARTED,
  serverTrouble,
  type Trouble,
} from "./trouble.ts";

/** How often levels are read. */
const SAMPLING = 50;

function chosen(talk: Talk | undefined, kind: "audioinput" | "audiooutput") {
  const deviceId = talk?.room.getActiveDevice(kind);
  return deviceId ? { deviceId } : {};
}

/** One call from the browser, from the click to its recording. */
export class Talk {
  readonly room: Room;
  readonly levels = new Levels();
  private shown = NOTHING;
  private sound: Sound | null = null;
  private microphone: Microphone | null = null;
  private agent: string | undefined;
  private began = 0;
  private readonly patience = new Patience(
    (trouble) => this.show({ trouble }),
    (trouble) => void this.end(trouble),
  );
  private sampling: ReturnType<typeof setInterval> | undefined;
  private readonly listeners = new Set<() => void>();

  /** By the devices of an earlier one. */
  constructor(earlier?: Talk) {
    this.room = new Room({
      publishDefaults: { audioPreset: AudioPresets.speech, dtx: false },
      audioCaptureDefaults: chosen(earlier, "audioinput"),
      audioOutput: chosen(earlier, "audiooutput"),
    });
    this.room
      .on(RoomEvent.TrackSubscribed, (track) => void this.onSound(track))
      .on(RoomEvent.DataReceived, (payload, _, __, topic) => this.onData(payload, topic))
      .on(RoomEvent.Reconnecting, () => this.onLost())
      .on(RoomEvent.SignalReconnecting, () => this.onLost())
      .on(RoomEvent.Reconnected, () => this.onBack())
      .on(RoomEvent.ParticipantConnected, (who) => this.onCame(who))
      .on(RoomEvent.ParticipantDisconnected, (who) => this.onLeft(who))
      .on(RoomEvent.Disconnected, (reason) => this.onDisconnected(reason));
    this.room.registerTextStreamHandler(TRANSCRIPTION, (reader, { identity }) =>
      this.onText(reader, identity),
    );
  }

  readonly subscribe = (tell: () => void): (() => void) => {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  };

  readonly snapshot = (): Shown => this.shown;

  /** Seconds since the call began. */
  now(): number {
    if (this.shown.phase === "ended") return this.shown.seconds;
    return this.began ? (performance.now() - this.began) / 1000 : 0;
  }

  /** Address and certificates are looked up before anybody clicks. */
  prepare(url: string): void {
    void this.room.prepareConnection(url);
  }

  /** Within a click. Whatever goes wrong is shown. */
  async start(wanted: Wanted, phone: boolean): Promise<void> {
    if (this.shown.phase !== "idle") return;
    if (!navigator.mediaDevices) return this.end(MICROPHONE_NEEDS_HTTPS);
    this.sound = new Sound();
    void this.room.startAudio();
    this.show({ phase: "asking", phone });
    try {
      const { deviceId = "default" } = chosen(this, "audioinput");
      this.microphone = await Microphone.open(this.sound, deviceId);
    } catch (error) {
      return this.end(microphoneTrouble(error));
    }
    await this.connect(wanted, phone).catch((error) => this.end(serverTrouble(error)));
  }

  private async connect(wanted: Wanted, phone: boolean): Promise<void> {
    if (this.isOver()) this.microphone?.close();
    if (this.shown.phase !== "asking") return;
    this.show({ phase: "connecting" });
    const asked = newToken(wanted);
    const [{ url, token }] = await Promise.all([asked, phone && this.soundAsPhone(phone)]);
    this.patience.forArrival();
    this.began = performance.now();
    await this.room.connect(url, token);
    if (!this.microphone || this.isOver()) return;
    if (this.is("connecting")) this.show({ phase: "waiting" });
    for (const who of this.room.remoteParticipants.values()) this.onCame(who);
    this.sampling = setInterval(() => this.sample(), SAMPLING);
    await this.room.localParticipant.publishTrack(this.microphone.track, {
      source: Track.Source.Microphone,
    });
  }

  async hangUp(): Promise<void> {
    if (!this.is("idle")) await this.end(null);
  }

  async mute(muted: boolean): Promise<void> {
    this.show({ muted });
    await this.microphone?.mute(muted);
  }

  /** Of `0`–`9`, `*` and `#`. */
  press(key: string): void {
    if (!isUp(this.shown.phase)) return;
    this.sound?.key(key);
    void this.room.localParticipant.publishDtmf(dtmfEvent(key), key);
  }

  /** As a caller hears it, and as they are heard. */
  async soundAsPhone(phone: boolean): Promise<void> {
    this.show({ phone });
    const sent = await this.microphone?.sendAs(phone);
    const played = await this.sound?.playAs(phone);
    if (!(sent && played)) this.show({ phone: false });
  }

  async choose(kind: "audioinput" | "audiooutput", device: string): Promise<void> {
    await this.room.switchActiveDevice(kind, device);
    if (kind === "audiooutput") await this.sound?.speakAt(device);
  }

  private async onSound(track: RemoteTrack): Promise<void> {
    if (track.kind !== Track.Kind.Audio || this.isOver()) return;
    this.patience.end();
    this.show({ phase: "talking", met: true, trouble: null });
    await this.sound?.hearTheirs(track.mediaStreamTrack, track.attach());
  }

  private onData(payload: Uint8Array, topic?: string): void {
    const event = topic === TOPIC && !this.isOver() ? readEvent(payload) : null;
    if (event) this.show(shownEvent(this.shown, event, this.now()));
  }

  private async onText(reader: TextStreamReader, identity: string): Promise<void> {
    const role = identity === this.room.localParticipant.identity ? "user" : "assistant";
    for await (const segment of segments(reader, role, this.now())) {
      if (!this.isOver()) this.show(shownSegment(this.shown, segment));
    }
  }

  /** Nobody is given up while it is we who are away. */
  private onLost(): void {
    if (this.shown.met) this.patience.end();
    this.show({ phase: "lost" });
  }

  /** The agent has to come back as well where the server was away. */
  private onBack(): void {
    const there = [...this.room.remoteParticipants.values()];
    if (!this.shown.met) this.show({ phase: "waiting" });
    else if (there.some(({ identity }) => identity === this.agent)) this.show({ phase: "talking" });
    else this.patience.forReunion();
  }

  /** One that takes the place of another knows nothing of the talk. */
  private onCame(who: RemoteParticipant): void {
    if (who.kind !== ParticipantKind.AGENT) return;
    this.agent ??= who.identity;
    if (who.identity !== this.agent) void this.end(RESTARTED);
    else if (this.shown.met) {
      this.patience.end();
      this.show({ phase: "talking" });
    }
  }

  private onLeft(who: RemoteParticipant): void {
    if (who.kind === ParticipantKind.AGENT && !this.is("lost")) this.patience.forReturn();
  }

  private onDisconnected(reason?: DisconnectReason): void {
    if (reason === DisconnectReason.CLIENT_INITIATED || this.is("connecting")) return;
    void this.end(disconnectTrouble(reason, this.shown.met));
  }

  private sample(): void {
    const { mine = 0, theirs = 0 } = this.sound?.levels() ?? {};
    this.levels.add(this.now(), mine, theirs);
  }

  private async end(trouble: Trouble | null): Promise<void> {
    if (this.isOver()) return;
    this.patience.end();
    clearInterval(this.sampling);
    const sound = this.sound;
    this.sound = null;
    this.show(shownEnd(this.shown, trouble, this.now()));
    const recording = (await sound?.close()) ?? null;
    this.microphone?.close();
    await this.room.disconnect();
    if (this.shown.met) this.show({ recording });
  }

  private is(phase: Phase): boolean {
    return this.shown.phase === phase;
  }

  private isOver(): boolean {
    return this.is("ended");
  }

  private show(change: Partial<Shown>): void {
    if (this.isOver() && change.phase !== undefined && change.phase !== "ended") return;
    this.shown = { ...this.shown, ...change };
    for (const tell of this.listeners) tell();
  }
}

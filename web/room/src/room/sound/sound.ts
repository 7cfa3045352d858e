import workletUrl from "./telephone-worklet.ts?worker&url";

/** A multiple of the telephone's 8 kHz, whatever the device has. */
const RATE = 48_000;

/** dBFS that the meters show as nothing and as full. */
const QUIET = -54;
const LOUD = -9;

const KEYS = "123A456B789C*0#D";
const ROWS = [697, 770, 852, 941] as const;
const COLUMNS = [1209, 1336, 1477, 1633] as const;

/** The event that a key is, by RFC 4733. */
export function dtmfEvent(key: string): number {
  return "0123456789*#ABCD".indexOf(key);
}

/**
 * Both voices of one call in the browser: what is played of the agent, what a telephone would make
 * of both, their levels, and a recording with the caller left and the agent right.
 */
export class Sound {
  readonly context: AudioContext;
  private readonly mine: Voice;
  private readonly theirs: Voice;
  private readonly stereo: ChannelMergerNode;
  private readonly tape: Tape | null;
  private readonly ready: Promise<boolean>;
  private player: HTMLMediaElement | null = null;
  private telephone: AudioWorkletNode | null = null;
  private asPhone = false;

  /** Within a click, for a browser lets nothing sound without one. */
  constructor() {
    this.context = new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
    void this.context.resume();
    this.stereo = this.context.createChannelMerger(2);
    this.mine = new Voice(this.context, this.stereo, 0);
    this.theirs = new Voice(this.context, this.stereo, 1);
    this.tape = Tape.of(this.context, this.stereo);
    this.ready = loaded(this.context);
  }

  /** A node that makes a telephone's sound, or null where the browser cannot. */
  async line(): Promise<AudioWorkletNode | null> {
    if (!(await this.ready) || this.context.state === "closed") return null;
    return new AudioWorkletNode(this.context, "telephone", {
      channelCount: 1,
      channelCountMode: "explicit",
      outputChannelCount: [1],
    });
  }

  /** The track that is sent; another takes its place. */
  hearMine(track: MediaStreamTrack): void {
    this.mine.hear(track);
  }

  /** The agent's track, and the element that plays it. */
  async hearTheirs(track: MediaStreamTrack, player: HTMLMediaElement): Promise<void> {
    this.player = player;
    this.theirs.hear(track);
    await this.playAs(this.asPhone);
  }

  /** Play the agent as a telephone would. False where the browser cannot. */
  async playAs(phone: boolean): Promise<boolean> {
    this.asPhone = phone;
    if (phone && !this.telephone) this.telephone = await this.line();
    const line = this.telephone;
    if (phone && !line) return false;
    line?.disconnect();
    this.theirs.through(this.asPhone ? line : null);
    if (this.asPhone) line?.connect(this.context.destination);
    // Muted, it goes on: without an element a remote track gives the graph no sound.
    if (this.player) this.player.muted = this.asPhone;
    return true;
  }

  mute(muted: boolean): void {
    this.mine.mute(muted);
  }

  /** 0 to 1. */
  levels(): { mine: number; theirs: number } {
    return { mine: this.mine.level(), theirs: this.theirs.level() };
  }

  /** What a key sounds like to who presses it; the agent is told by other means. */
  key(key: string): void {
    const place = KEYS.indexOf(key);
    const pair = [ROWS[Math.floor(place / 4)], COLUMNS[place % 4]];
    const now = this.context.currentTime;
    const gain = new GainNode(this.context, { gain: 0.06 });
    gain.connect(this.context.destination);
    for (const frequency of pair) {
      const tone = new OscillatorNode(this.context, { frequency: frequency ?? 0 });
      tone.connect(gain);
      tone.start(now);
      tone.stop(now + 0.12);
    }
  }

  async speakAt(device: string): Promise<void> {
    // Not every browser lets a page choose, and the types of none know it.
    const context = this.context as AudioContext & { setSinkId?: (id: string) => Promise<void> };
    await context.setSinkId?.(device === "default" ? "" : device);
  }

  /** Ends it all. The recording, or null where the browser makes none. */
  async close(): Promise<Blob | null> {
    const recorded = (await this.tape?.stop()) ?? null;
    if (this.context.state !== "closed") await this.context.close();
    return recorded;
  }
}

/** One voice: from its track to the meter, and to its side of the recording. */
class Voice {
  private readonly gate: GainNode;
  private readonly meter: AnalyserNode;
  private readonly samples: Float32Array<ArrayBuffer>;
  private source: MediaStreamAudioSourceNode | null = null;
  private line: AudioNode | null = null;

  constructor(
    private readonly context: AudioContext,
    stereo: AudioNode,
    side: 0 | 1,
  ) {
    this.gate = new GainNode(context);
    this.meter = new AnalyserNode(context, { fftSize: 2048 });
    this.samples = new Float32Array(this.meter.fftSize);
    this.gate.connect(this.meter);
    this.gate.connect(stereo, 0, side);
  }

  hear(track: MediaStreamTrack): void {
    this.source?.disconnect();
    this.source = this.context.createMediaStreamSource(new MediaStream([track]));
    this.connect();
  }

  /** Null: as it is. */
  through(line: AudioNode | null): void {
    this.line = line;
    this.connect();
  }

  mute(muted: boolean): void {
    this.gate.gain.value = muted ? 0 : 1;
  }

  level(): number {
    this.meter.getFloatTimeDomainData(this.samples);
    const power = this.samples.reduce((sum, sample) => sum + sample * sample, 0);
    const decibels = 10 * Math.log10(power / this.samples.length + 1e-12);
    return Math.min(1, Math.max(0, (decibels - QUIET) / (LOUD - QUIET)));
  }

  private connect(): void {
    if (!this.source) return;
    this.source.disconnect();
    this.source.connect(this.line ?? this.gate);
    this.line?.connect(this.gate);
  }
}

/** The recording, as the browser's own encoder makes it. */
class Tape {
  private readonly pieces: Blob[] = [];

  private constructor(private readonly recorder: MediaRecorder) {
    recorder.ondataavailable = ({ data }) => this.pieces.push(data);
    recorder.start(1000);
  }

  static of(context: AudioContext, stereo: AudioNode): Tape | null {
    if (!("MediaRecorder" in globalThis)) return null;
    const sink = new MediaStreamAudioDestinationNode(context, { channelCount: 2 });
    stereo.connect(sink);
    return new Tape(new MediaRecorder(sink.stream, { audioBitsPerSecond: 96_000 }));
  }

  async stop(): Promise<Blob | null> {
    if (this.recorder.state !== "inactive") {
      const stopped = new Promise((resolve) => this.recorder.addEventListener("stop", resolve));
      this.recorder.stop();
      await stopped;
    }
    return this.pieces.length ? new Blob(this.pieces, { type: this.recorder.mimeType }) : null;
  }
}

async function loaded(context: AudioContext): Promise<boolean> {
  try {
    await context.audioWorklet.addModule(workletUrl);
    return true;
  } catch {
    return false;
  }
}

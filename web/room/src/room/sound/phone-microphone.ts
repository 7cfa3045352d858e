import type { AudioProcessorOptions, Track, TrackProcessor } from "livekit-client";
import type { Sound } from "./sound.ts";

/** Sends the microphone as a telephone would. LiveKit puts it between device and room. */
export class PhoneMicrophone implements TrackProcessor<Track.Kind.Audio, AudioProcessorOptions> {
  readonly name = "phone";
  processedTrack?: MediaStreamTrack;
  private nodes: AudioNode[] = [];

  constructor(private readonly sound: Sound) {}

  async init({ track }: AudioProcessorOptions): Promise<void> {
    const line = await this.sound.line();
    if (!line) throw new Error("this browser has no audio worklets");
    const source = this.sound.context.createMediaStreamSource(new MediaStream([track]));
    const sink = new MediaStreamAudioDestinationNode(this.sound.context, { channelCount: 1 });
    source.connect(line).connect(sink);
    this.nodes = [source, line];
    const [sent] = sink.stream.getAudioTracks();
    if (sent) this.processedTrack = sent;
  }

  /** Another device was chosen. */
  async restart(options: AudioProcessorOptions): Promise<void> {
    await this.destroy();
    await this.init(options);
  }

  async destroy(): Promise<void> {
    for (const node of this.nodes) node.disconnect();
    this.nodes = [];
    this.processedTrack?.stop();
  }
}

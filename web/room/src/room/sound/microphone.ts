import { createLocalAudioTrack, type LocalAudioTrack, TrackEvent } from "livekit-client";
import { PhoneMicrophone } from "./phone-microphone.ts";
import type { Sound } from "./sound.ts";

/** What the room is sent, and what `sound` meters and records of it. */
export class Microphone {
  private constructor(
    readonly track: LocalAudioTrack,
    private readonly sound: Sound,
  ) {
    track.setAudioContext(sound.context);
    track.on(TrackEvent.Restarted, () => this.hear());
    this.hear();
  }

  /** Throws what `getUserMedia` throws. */
  static async open(sound: Sound, device: string): Promise<Microphone> {
    return new Microphone(await createLocalAudioTrack({ deviceId: device }), sound);
  }

  /** Send it as a telephone would. False where the browser cannot. */
  async sendAs(phone: boolean): Promise<boolean> {
    try {
      if (phone) await this.track.setProcessor(new PhoneMicrophone(this.sound));
      else if (this.track.getProcessor()) await this.track.stopProcessor();
    } catch {
      return !phone;
    }
    this.hear();
    return true;
  }

  async mute(muted: boolean): Promise<void> {
    this.sound.mute(muted);
    await (muted ? this.track.mute() : this.track.unmute());
  }

  close(): void {
    this.track.stop();
  }

  private hear(): void {
    this.sound.hearMine(this.track.mediaStreamTrack);
  }
}

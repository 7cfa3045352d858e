import { Telephone } from "./telephone.ts";

/** The audio thread's side of "phone quality"; mono. */
declare const sampleRate: number;
declare class AudioWorkletProcessor {}
declare function registerProcessor(name: string, processor: typeof AudioWorkletProcessor): void;

class TelephoneProcessor extends AudioWorkletProcessor {
  private readonly line = new Telephone(sampleRate);
  private readonly silence = new Float32Array(128);

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0]?.[0];
    if (out) this.line.process(inputs[0]?.[0] ?? this.silence.subarray(0, out.length), out);
    return true;
  }
}

registerProcessor("telephone", TelephoneProcessor);

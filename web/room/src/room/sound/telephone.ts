/**
 * What a telephone line does to a voice: a band up to 3.4 kHz, 8,000 samples a second, each of them
 * eight bits by ITU-T G.711 (mu-law). Pure; samples are floats from -1 to 1.
 */

export const LINE_RATE = 8000;
const BAND: readonly [low: number, high: number] = [200, 3400];
/** Samples of the line that the filters look at: 5 ms, of which half is delay. */
const SPAN = 40;
const BIAS = 0x84;
const CLIP = 32635;

/** A 16-bit sample as a byte of G.711 mu-law. */
export function encode(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(Math.trunc(sample)), CLIP) + BIAS;
  const exponent = 31 - Math.clz32(magnitude) - 7;
  const mantissa = (magnitude >> (exponent + 3)) & 0x0f;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

/** The 16-bit sample that a byte of G.711 mu-law stands for. */
export function decode(byte: number): number {
  const bits = ~byte & 0xff;
  const exponent = (bits >> 4) & 0x07;
  const magnitude = (((bits & 0x0f) << 3) + BIAS) << exponent;
  return bits & 0x80 ? BIAS - magnitude : magnitude - BIAS;
}

/** One direction of a line, at a rate that is a whole multiple of 8 kHz. Keeps state across blocks. */
export class Telephone {
  private readonly ratio: number;
  private readonly taps: Float64Array;
  private readonly heard: Float64Array;
  private readonly sent: Float64Array;
  private phase = 0;
  private last = 0;
  private low = 0;
  private readonly pole: number;

  constructor(rate: number) {
    if (rate % LINE_RATE !== 0)
      throw new RangeError(`${rate} Hz is no multiple of ${LINE_RATE} Hz`);
    this.ratio = rate / LINE_RATE;
    this.taps = lowPass(BAND[1] / rate, this.ratio * SPAN);
    this.heard = new Float64Array(this.taps.length);
    this.sent = new Float64Array(SPAN);
    this.pole = Math.exp((-2 * Math.PI * BAND[0]) / rate);
  }

  /** As many samples as came, some 5 ms later. */
  process(input: Float32Array, output: Float32Array): void {
    for (let at = 0; at < input.length; at++) {
      push(this.heard, this.withoutBass(input[at] ?? 0));
      if (this.phase === 0) push(this.sent, this.overTheLine());
      output[at] = this.between();
      this.phase = (this.phase + 1) % this.ratio;
    }
  }

  private withoutBass(sample: number): number {
    this.low = this.pole * (this.low + sample - this.last);
    this.last = sample;
    return this.low;
  }

  private overTheLine(): number {
    let sum = 0;
    for (let tap = 0; tap < this.taps.length; tap++) {
      sum += (this.taps[tap] ?? 0) * (this.heard[tap] ?? 0);
    }
    return decode(encode(sum * 32768)) / 32768;
  }

  /** The line's samples, interpolated: those between them are zeros before the filter. */
  private between(): number {
    let sum = 0;
    for (let sample = 0; sample < this.sent.length; sample++) {
      sum += (this.taps[sample * this.ratio + this.phase] ?? 0) * (this.sent[sample] ?? 0);
    }
    return sum * this.ratio;
  }
}

/** The newest first. */
function push(line: Float64Array, sample: number): void {
  line.copyWithin(1, 0);
  line[0] = sample;
}

/** A windowed sinc (Blackman) with a gain of one; `cut` in cycles a sample. */
function lowPass(cut: number, length: number): Float64Array {
  const taps = new Float64Array(length).map((_, tap) => {
    const turn = (2 * Math.PI * tap) / (length - 1);
    const x = tap - (length - 1) / 2;
    const sinc = x === 0 ? 2 * cut : Math.sin(2 * Math.PI * cut * x) / (Math.PI * x);
    return sinc * (0.42 - 0.5 * Math.cos(turn) + 0.08 * Math.cos(2 * turn));
  });
  const gain = taps.reduce((sum, tap) => sum + tap, 0);
  return taps.map((tap) => tap / gain);
}

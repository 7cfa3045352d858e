import { expect, test } from "vitest";
import { decode, encode, Telephone } from "./telephone.ts";

const RATE = 48_000;

function tone(hertz: number, level = 0.5, seconds = 0.5): Float32Array {
  return Float32Array.from({ length: RATE * seconds }, (_, at) => {
    return level * Math.sin((2 * Math.PI * hertz * at) / RATE);
  });
}

/** Without the first 50 ms, while the filters fill. */
function rms(samples: Float32Array): number {
  const steady = samples.subarray(RATE / 20);
  return Math.sqrt(steady.reduce((sum, sample) => sum + sample ** 2, 0) / steady.length);
}

function throughLine(samples: Float32Array, block = 128): Float32Array {
  const line = new Telephone(RATE);
  const out = new Float32Array(samples.length);
  for (let at = 0; at < samples.length; at += block) {
    line.process(samples.subarray(at, at + block), out.subarray(at, at + block));
  }
  return out;
}

// Of the tables in G.711: silence, both ends, and a value in between.
test.each([
  [0, 0xff],
  [32635, 0x80],
  [-32635, 0x00],
  [1000, 0xce],
])("%i is the byte %i", (sample, byte) => {
  expect(encode(sample)).toBe(byte);
});

test("every byte stands for a sample that becomes it again", () => {
  for (let byte = 0; byte < 256; byte++) {
    const again = encode(decode(byte));
    // There are two zeros.
    expect(again).toBe(byte === 0x7f ? 0xff : byte);
  }
});

test.each([400, 1000, 3000])("a voice's %i Hz comes through as loud as it was", (hertz) => {
  const decibels = 20 * Math.log10(rms(throughLine(tone(hertz))) / rms(tone(hertz)));
  expect(Math.abs(decibels)).toBeLessThan(2);
});

test.each([50, 4600, 8000])("%i Hz does not", (hertz) => {
  const decibels = 20 * Math.log10(rms(throughLine(tone(hertz))) / rms(tone(hertz)));
  expect(decibels).toBeLessThan(-10);
});

test("a quiet voice is eight bits' worth of rough, and no more", () => {
  const [quiet, double] = [throughLine(tone(1000, 0.05)), throughLine(tone(1000, 0.1))];
  const difference = quiet.map((sample, at) => (double[at] ?? 0) - 2 * sample);
  const ratio = 20 * Math.log10(rms(double) / rms(difference));
  expect(ratio).toBeGreaterThan(25);
  expect(ratio).toBeLessThan(60);
});

test("blocks of any length make the same sound", () => {
  const sound = tone(440, 0.3, 0.1);
  expect(throughLine(sound, 480)).toEqual(throughLine(sound, 128));
});

test("a rate that is no multiple of the line's is refused", () => {
  expect(() => new Telephone(44_100)).toThrow("44100 Hz is no multiple of 8000 Hz");
});

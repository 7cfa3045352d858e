import { expect, test } from "vitest";
import { readEvent } from "./events.ts";

function packet(sent: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(sent));
}

test("a turn is read whole, without what is no figure among its parts", () => {
  const sent = {
    v: 1,
    kind: "turn",
    at: 1.5,
    role: "assistant",
    id: "t1",
    text: "Once",
    interrupted: true,
    unspoken: "upon a time",
    parts: { think: 0.2, whole: 0.7, speak: null },
  };
  expect(readEvent(packet(sent))).toEqual({
    kind: "turn",
    role: "assistant",
    id: "t1",
    text: "Once",
    interrupted: true,
    unspoken: "upon a time",
    parts: { think: 0.2, whole: 0.7 },
  });
});

test("a tool that still runs has no seconds", () => {
  const sent = {
    v: 1,
    kind: "tool",
    at: 1,
    id: "c1",
    name: "book",
    state: "started",
    seconds: null,
  };
  expect(readEvent(packet(sent))).toMatchObject({ name: "book", seconds: null });
});

test.each([
  { v: 2, kind: "interruption" },
  { v: 1, kind: "applause" },
  { v: 1, kind: "turn", role: "ghost" },
  { v: 1, kind: "tool", state: "odd" },
  null,
  "text",
])("%o is passed over", (sent) => {
  expect(readEvent(packet(sent))).toBeNull();
});

test("so is what is no JSON at all", () => {
  expect(readEvent(new Uint8Array([0xff, 0x00]))).toBeNull();
});

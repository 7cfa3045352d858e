import { DisconnectReason } from "livekit-client";
import { expect, test } from "vitest";
import { ApiError, UNREACHABLE } from "../api.ts";
import {
  CONNECTION_LOST,
  disconnectTrouble,
  microphoneTrouble,
  NO_MEDIA,
  REFUSED,
  serverTrouble,
} from "./trouble.ts";

function thrown(name: string): Error {
  return Object.assign(new Error("as the browser says it"), { name });
}

test("each way to have no microphone has its own way out", () => {
  const names = ["NotAllowedError", "NotFoundError", "NotReadableError", "OverconstrainedError"];
  const ways = names.map((name) => microphoneTrouble(thrown(name)).todo);
  expect(new Set(ways).size).toBe(names.length);
});

test("what nobody foresaw is said in the browser's words", () => {
  expect(microphoneTrouble(thrown("OddError")).todo).toBe("as the browser says it");
});

test("a refusal is told in the server's words, a server that is away apart from it", () => {
  expect(serverTrouble(new ApiError(429, "busy", "wait a minute")).todo).toBe("wait a minute");
  expect(serverTrouble(new ApiError(0, UNREACHABLE, "start it")).title).toMatch("does not answer");
});

test("who hung up is told apart from a line that broke", () => {
  expect(disconnectTrouble(DisconnectReason.ROOM_DELETED, true)).toBeNull();
  expect(disconnectTrouble(DisconnectReason.ROOM_DELETED, false)).toBe(REFUSED);
  expect(disconnectTrouble(DisconnectReason.MEDIA_FAILURE, true)).toBe(NO_MEDIA);
  expect(disconnectTrouble(undefined, true)).toBe(CONNECTION_LOST);
});

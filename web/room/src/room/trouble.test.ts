import { expect, test } from "vitest";
import { ApiError, UNREACHABLE } from "../api.ts";
import { microphoneTrouble, serverTrouble } from "./trouble.ts";

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

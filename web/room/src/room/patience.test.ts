import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ARRIVAL, Patience, RETURN, REUNION, RINGING } from "./patience.ts";
import { AGENT_LEFT, NO_WORKER } from "./trouble.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function told() {
  const said = vi.fn();
  const gaveUp = vi.fn();
  return { said, gaveUp, patience: new Patience(said, gaveUp) };
}

test("who does not come is named early and given up late", () => {
  const { said, gaveUp, patience } = told();
  patience.forArrival();
  vi.advanceTimersByTime(ARRIVAL);
  expect(said).toHaveBeenCalledWith(NO_WORKER);
  vi.advanceTimersByTime(RINGING - ARRIVAL - 1);
  expect(gaveUp).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(gaveUp).toHaveBeenCalledWith(NO_WORKER);
});

test("after an absence of our own there is more time, and it begins anew", () => {
  const { gaveUp, patience } = told();
  patience.forReturn();
  vi.advanceTimersByTime(RETURN - 1);
  patience.forReunion();
  vi.advanceTimersByTime(REUNION - 1);
  expect(gaveUp).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(gaveUp).toHaveBeenCalledExactlyOnceWith(AGENT_LEFT);
});

test("who is there is not given up", () => {
  const { said, gaveUp, patience } = told();
  patience.forArrival();
  patience.end();
  vi.advanceTimersByTime(RINGING);
  expect(said).not.toHaveBeenCalled();
  expect(gaveUp).not.toHaveBeenCalled();
});

"""The room in a real Chromium: `python -m bench.room`, on a stack of its own with rehearsal models.

Everything is on this machine, the browser too. What is measured:
- first paint: from asking for the page to its first contentful paint, and to its largest one (the
  choice of an agent), each time with an empty cache; the bytes on the wire of that load.
- click to greeting: from the click to the agent's first sound in the page, each time a new page that
  has loaded, and a worker that has had `--pause` seconds to make ready for the next call.
- reply: from the caller's last sound to the agent's first. Chromium's fake microphone plays questions
  from a file; both moments are seen in the page on the clock of one AudioContext: the caller's in the
  track that is sent (after echo cancellation, as getUserMedia gives it), the agent's in the track that
  is played, after the jitter buffer. So both ways through WebRTC are in it, and what microphone and
  loudspeaker take is not. Sound is what lies over -45 dBFS for 60 ms, to 5 ms.
- watching: the same questions in calls to which somebody listens in, by the API and a client in the
  bench's own process, and in calls to which nobody does, in turns.
"""

import argparse
import asyncio
import logging
import tempfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from livekit import rtc
from playwright.async_api import Browser, BrowserContext, Page

from bench.record import RESULTS, started, write
from bench.room_page import page_of
from bench.room_sound import Heard, greeted, replies
from parley.probes import http_ok
from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, Samples, spoken
from tests.browser.chromium import DESK, Microphone, capture, chromium, transferred
from tests.browser.conftest import address_of, web_port
from tests.browser.room import Room
from tests.e2e.switchboard import until
from tests.stack import parley_up

QUESTIONS = ("what are your opening hours", "what is your address", "how much is a check up")
BEFORE, ANSWER = 6.0, 11.0
"""Seconds of silence: the greeting's, and an answer's."""

PROBE = (Path(__file__).parent / "room_probe.js").read_text()
HEARD = "() => window.heard"
SOUNDED = "() => window.heard.theirs.filter((power) => power > 3.2e-5).length >= 40"
SPOKEN = "(hops) => window.heard.mine.length >= hops"
PAINTED = """() => new Promise((done) => {
  const seen = {};
  const keep = (list) => {
    for (const each of list.getEntries()) seen[each.name || each.entryType] = each.startTime;
  };
  new PerformanceObserver(keep).observe({ type: "paint", buffered: true });
  new PerformanceObserver(keep).observe({ type: "largest-contentful-paint", buffered: true });
  setTimeout(() => done(seen), 200);
})"""
LISTEN = """(call) => fetch(`/v1/live/${call}/listen`, { method: "POST" })
  .then((answer) => (answer.ok ? answer.json() : null))"""


@dataclass(frozen=True)
class Bench:
    browser: Browser
    address: str
    microphone: Microphone
    pause: float

    async def paints(self, times: int) -> list[dict[str, float]]:
        """Milliseconds, and bytes."""
        found = []
        for _ in range(times):
            async with self._context() as context:
                page = await context.new_page()
                await page.goto("/", wait_until="networkidle")
                seen: dict[str, float] = await page.evaluate(PAINTED)
                found.append(
                    {
                        "first": seen["first-contentful-paint"],
                        "largest": seen["largest-contentful-paint"],
                        "bytes": sum((await transferred(page)).values()),
                    }
                )
        return found

    async def greetings(self, times: int) -> list[float | None]:
        """Seconds from the click."""
        found = []
        for _ in range(times):
            async with self._call() as (page, _):
                found.append(greeted(await _heard(page)))
        return found

    async def turns(self, seconds: float, *, watched: bool) -> list[float | None]:
        """Replies in one call that lasts so long."""
        async with self._call() as (page, call), AsyncExitStack() as stack:
            if watched:
                await stack.enter_async_context(_listening(page, call))
            hops = round(200 * seconds)
            await page.wait_for_function(
                SPOKEN, arg=hops, polling=1000, timeout=2000 * seconds + 60_000
            )
            return replies(await _heard(page))

    @asynccontextmanager
    async def _call(self) -> AsyncGenerator[tuple[Page, str]]:
        """A page in which the agent has begun to speak, and the call's id."""
        await asyncio.sleep(self.pause)
        async with self._context() as context:
            await context.add_init_script(PROBE)
            page = await context.new_page()
            await page.goto("/", wait_until="networkidle")
            room = Room(page, self.microphone)
            async with page.expect_response("**/room/token") as answer:
                await room.talk()
            call = (await (await answer.value).json())["call_id"]
            await page.wait_for_function(SOUNDED, polling=250, timeout=60_000)
            yield page, call
            await room.hang_up()

    @asynccontextmanager
    async def _context(self) -> AsyncGenerator[BrowserContext]:
        """Its cache is empty; the probe makes a module of its own, which the page's policy forbids."""
        context = await self.browser.new_context(
            base_url=self.address, viewport=DESK, bypass_csp=True
        )
        try:
            yield context
        finally:
            await context.close()


async def _heard(page: Page) -> Heard:
    return Heard(**await page.evaluate(HEARD))


@asynccontextmanager
async def _listening(page: Page, call: str) -> AsyncGenerator[None]:
    """Hears both; what comes is decoded and dropped."""
    tracks: asyncio.Queue[rtc.RemoteTrack] = asyncio.Queue()
    room = rtc.Room()
    room.on("track_subscribed", lambda track, *_: tracks.put_nowait(track))
    async with asyncio.timeout(30):
        while (ear := await page.evaluate(LISTEN, call)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.2)  # the ledger hears of a call a moment later
        await room.connect(ear["url"], ear["token"])
        sounds = [rtc.AudioStream(await tracks.get(), capacity=50) for _ in range(2)]
    try:
        yield
    finally:
        await room.disconnect()
        for sound in sounds:
            await sound.aclose()


async def _questions() -> tuple[Samples, float]:
    """What the microphone plays again and again, and its seconds."""
    silent = np.zeros(round(BEFORE * RATE), np.int16)
    pieces = [silent]
    for question in QUESTIONS:
        pieces += [await spoken(question, VOICE), np.zeros(round(ANSWER * RATE), np.int16)]
    pieces[-1] = pieces[-1][: -silent.size]
    sound = np.concatenate(pieces)
    return sound, sound.size / RATE


@asynccontextmanager
async def _bench(folder: Path, pause: float) -> AsyncGenerator[tuple[Bench, float]]:
    """And the seconds of one round of questions."""
    sound, seconds = await _questions()
    microphone = Microphone(folder)
    microphone.will_play(sound)
    flags = (*capture(microphone, loop=True), "--autoplay-policy=no-user-gesture-required")
    async with parley_up(folder) as stack, chromium(*flags) as browser:
        await until(http_ok(web_port(stack), "/room/config"))
        yield Bench(browser, address_of(stack), microphone, pause), seconds


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    watched: dict[bool, list[float | None]] = {False: [], True: []}
    with tempfile.TemporaryDirectory(prefix="parley-room-") as name:
        async with _bench(Path(name), given.pause) as (bench, seconds):
            paints = await bench.paints(given.times)
            print(f"painted {len(paints)} times", flush=True)
            greetings = await bench.greetings(given.times)
            print(f"greeted {len(greetings)} times", flush=True)
            for _ in range(given.calls):
                for somebody in (False, True):
                    watched[somebody] += await bench.turns(seconds * given.rounds, watched=somebody)
                    print(f"{len(watched[somebody])} turns, watched: {somebody}", flush=True)
    return {
        "paints": paints,
        "greetings": greetings,
        "replies": watched[False],
        "replies_watched": watched[True],
    }


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--times", type=int, default=10, help="loads, and calls that are greeted")
    options.add_argument("--calls", type=int, default=2, help="calls of each kind with questions")
    options.add_argument("--rounds", type=int, default=4, help="of three questions, in each call")
    options.add_argument("--pause", type=float, default=5.0, help="seconds before each call")
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = options.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    facts = started()
    found = asyncio.run(measure(given))
    text, _ = write("room", facts, page_of(found), found, given.out)
    print(text)


if __name__ == "__main__":
    main()

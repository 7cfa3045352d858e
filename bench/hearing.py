"""How well and how fast the engine hears over a telephone: `uv run python -m bench.hearing`.

Every phrase of the personas' scripts in two flite voices through G.711; then noises, which must give
no text; then some phrases at a caller's pace, for the time from flush to final.
"""

import argparse
import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import numpy as np

from bench.telephone import RATE, Samples, flite, over_g711, silence, tones
from parley.phrases import collect_phrases
from parley_serving.server import open_listener
from whisper_engine.protocol import PATH, Final, Flush, Ready, Start, server_message

VOICES = ("rms", "slt")
BEFORE, AFTER = 0.6, 0.3
"""Seconds of line around a phrase; AFTER is when LiveKit's VAD asks for the final."""

OTHERS = (
    "the quick brown fox jumps over the lazy dog",
    "please send the package to my office in berlin",
    "i have never seen such a beautiful mountain",
    "how much does the blue bicycle cost",
    "i think the printer is broken again",
    "my brother plays the violin in the evening",
    "we are going to the beach with our children",
    "nobody knows where the old map has gone",
)
"""What no script expects: best heard as nothing."""

TARGET = 0.95
"""Share of the phrases that must be understood."""

CHUNK = RATE // 25


@dataclass(frozen=True)
class Turn:
    """`seconds` from flush to final."""

    said: str
    heard: str
    confidence: float
    seconds: float

    @property
    def right(self) -> bool:
        return self.said == self.heard


class Caller:
    """One socket of the engine's."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket
        self._turns = 0

    async def say(self, sound: Samples, said: str = "", *, paced: bool = False) -> Turn:
        began = time.monotonic()
        for start in range(0, len(sound), CHUNK):
            if paced:
                await asyncio.sleep(began + start / RATE - time.monotonic())
            await self._websocket.send_bytes(sound[start : start + CHUNK].tobytes())
        self._turns += 1
        flush = Flush(id=str(self._turns))
        asked = time.monotonic()
        await self._websocket.send_str(flush.model_dump_json())
        texts: list[Final] = []
        while not texts or texts[-1].id != flush.id:
            message = server_message.validate_json(await self._websocket.receive_str())
            if isinstance(message, Final):
                texts.append(message)
        heard = " ".join(final.text for final in texts if final.text)
        return Turn(said, heard, texts[-1].confidence, time.monotonic() - asked)


@contextlib.asynccontextmanager
async def calling(url: str) -> AsyncIterator[Caller]:
    async with aiohttp.ClientSession() as http, http.ws_connect(url + PATH) as websocket:
        await websocket.send_str(Start().model_dump_json())
        ready = server_message.validate_json(await websocket.receive_str())
        if not isinstance(ready, Ready):
            raise SystemExit(f"the engine did not get ready: {ready}")
        yield Caller(websocket)


async def hear_phrases(
    url: str, phrases: Sequence[str], voice: str, *, paced: bool = False
) -> list[Turn]:
    async with calling(url) as caller:
        return [await caller.say(on_line(flite(p, voice)), p, paced=paced) for p in phrases]


async def hear_noises(url: str) -> list[Turn]:
    async with calling(url) as caller:
        return [await caller.say(over_g711(sound), name) for name, sound in noises().items()]


def on_line(speech: Samples) -> Samples:
    sound = np.concatenate([silence(BEFORE), speech, silence(AFTER, seed=1)])
    return over_g711(sound)


def noises() -> dict[str, Samples]:
    at = np.arange(3 * RATE) / RATE
    clicks = np.zeros(3 * RATE, np.int16)
    clicks[:: RATE // 3] = 20_000
    return {
        "silence": silence(3, noise=0),
        "quiet line": silence(3),
        "hiss": silence(3, noise=300),
        "loud hiss": silence(3, noise=3_000),
        "hum": (6_000 * np.sin(2 * np.pi * 50 * at)).astype(np.int16),
        "clicks": clicks,
        "dtmf": tones(3, 770, 1_336),
        "ringback": tones(3, 440, 480, on=2.0, off=4.0),
        "busy": tones(3, 480, 620, on=0.5, off=0.5),
    }


@contextlib.asynccontextmanager
async def engine(phrases: Sequence[str]) -> AsyncIterator[str]:
    """The URL of an engine of our own."""
    with open_listener("127.0.0.1", 0) as listener:
        port: int = listener.getsockname()[1]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("\n".join(phrases))
        file.flush()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "whisper_engine", "serve"),
            env=os.environ | {"WHISPER_LISTEN__PORT": str(port), "WHISPER_PHRASES": file.name},
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await _until_ready(url, process)
            yield url
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _until_ready(url: str, process: asyncio.subprocess.Process) -> None:
    async with asyncio.timeout(20), aiohttp.ClientSession() as http:
        while process.returncode is None:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with http.get(url + "/ready") as answer:
                    if answer.ok:
                        return
            await asyncio.sleep(0.05)
    raise SystemExit("the engine did not start")


async def main(options: argparse.Namespace) -> bool:
    phrases = collect_phrases(options.scripts, options.calls)
    async with engine(phrases) as url:
        turns: list[Turn] = []
        for voice in options.voices:
            heard = await hear_phrases(url, phrases, voice)
            turns += heard
            print(f"{voice}: {sum(t.right for t in heard)} of {len(heard)} phrases")
            for turn in heard:
                if not turn.right:
                    print(f"    {turn.said!r} heard as {turn.heard!r} ({turn.confidence:.2f})")
        right = sum(turn.right for turn in turns) / len(turns)
        sure = sorted(turn.confidence for turn in turns if turn.right)
        print(f"understood: {right:.1%}; confidence of what is right from {sure[0]:.2f}")
        other = [turn for v in options.voices for turn in await hear_phrases(url, OTHERS, v)]
        wrong = [turn for turn in other if turn.heard]
        print(f"not in the grammar: {len(wrong)} of {len(other)} heard as something")
        noisy = [turn for turn in await hear_noises(url) if turn.heard]
        print(f"noises with text: {[(turn.said, turn.heard) for turn in noisy]}")
        paced = await hear_phrases(url, phrases[:: options.every], options.voices[0], paced=True)
        took = sorted(1000 * turn.seconds for turn in paced)
        middle = statistics.median(took)
        print(
            f"flush to final, {len(took)} paced turns: p50 {middle:.1f} ms, worst {took[-1]:.1f} ms"
        )
    return right >= TARGET and not noisy


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scripts", type=Path, default=Path("personas/scripts"))
    parser.add_argument("--calls", type=Path, default=Path("tests/e2e/calls"))
    parser.add_argument("--voices", nargs="+", default=VOICES)
    parser.add_argument("--every", type=int, default=5, help="pace every Nth phrase only")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(not asyncio.run(main(parse())))

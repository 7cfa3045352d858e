"""Calls as they come over the wire: sound at the pace of speech, and when what came back."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from whisper_engine.protocol import (
    PATH,
    SAMPLE_RATE,
    Failed,
    Final,
    Flush,
    Interim,
    Preflight,
    ServerMessage,
    Start,
    server_message,
)
from whisper_engine.whisper.task import Pcm

FRAME = SAMPLE_RATE // 50
"""Samples of a message: 20 ms, as a room's frames."""

FLUSH_AFTER = 0.25
"""Seconds of silence after which LiveKit Agents asks for the final, at the earliest: its own voice
detection takes some windows to be sure."""

TALK = 0.38
"""Share of a call in which its caller speaks."""

ANSWER_SECONDS = 30.0

_HISS = 8.0
_SILENT = 10 ** (-35 / 20)


class CallError(Exception):
    """The engine ended the call, or is not there."""


class RefusedError(CallError):
    """The engine takes no call more."""


@dataclass(frozen=True)
class Turn:
    """Sound without silence at its ends; `pcm` is mono, 16 kHz."""

    pcm: Pcm

    @property
    def seconds(self) -> float:
        return len(self.pcm) / SAMPLE_RATE


@dataclass(frozen=True)
class Heard:
    """Seconds. `interims` are from the onset of the speech, each with the number of its words; `ready`
    is from its end until its whole text is there, be it preflight or final, `final` until its final
    is; `flush_to_final` is from the question to the answer.

    `hit`: the final says what a preflight said since the end of the speech; None: there was none.
    `promised`: the longest text that interims called stable, and the final that followed, each time.
    """

    speech: float
    interims: tuple[tuple[float, int], ...]
    ready: float
    final: float
    flush_to_final: float
    text: str
    hit: bool | None
    promised: tuple[tuple[str, str], ...] = ()


@dataclass
class _Told:
    """What the engine said in one turn, with the time of each."""

    answered: asyncio.Event = field(default_factory=asyncio.Event)
    interims: list[tuple[float, int]] = field(default_factory=list)
    preflight: tuple[float, str] | None = None
    before: list[str] = field(default_factory=list)
    final: tuple[float, str] = 0.0, ""
    stable: str = ""
    promised: list[tuple[str, str]] = field(default_factory=list)

    def take(self, at: float, message: ServerMessage) -> None:
        match message:
            case Interim(text=text):
                self.interims.append((at, len(text.split())))
                self.stable = max(self.stable, text[: message.stable_chars], key=len)
            case Preflight(text=text):
                self.preflight = at, text
            case Final(id=None, text=text):
                self._ended(text)
                self.before.append(text)
            case Final():
                self._ended(message.text)
                self.final = at, message.text
                self.answered.set()
            case Failed(message=reason):
                raise CallError(reason)
            case _:
                pass

    def _ended(self, final: str) -> None:
        if self.stable:
            self.promised.append((self.stable, final))
        self.stable = ""


def trimmed(pcm: Pcm) -> Turn:
    """Without the silence at the ends: what is 35 dB below the loudest 10 ms."""
    hop = SAMPLE_RATE // 100
    frames = pcm[: len(pcm) // hop * hop].reshape(-1, hop).astype(np.float64)
    levels = np.sqrt(np.mean(frames**2, axis=1))
    loud = np.flatnonzero(levels > levels.max(initial=0) * _SILENT)
    return Turn(pcm[loud[0] * hop : (loud[-1] + 1) * hop] if len(loud) else pcm[:0])


async def call(
    url: str, turns: Sequence[Turn], *, delay: float = 0.0, language: str = "en"
) -> list[Heard]:
    """One call in which each turn is said, flushed and answered, and then rested from.

    Args:
        url: of an engine, http.
        delay: seconds of silence before the first turn, so that calls do not speak in step.

    Raises CallError.
    """
    async with _connected(url, language) as socket:
        try:
            async with asyncio.TaskGroup() as group:
                line = _Line(socket)
                reading = group.create_task(line.read())
                await line.silence(delay)
                heard = [await line.say(turn, str(number)) for number, turn in enumerate(turns)]
                reading.cancel()
        except ExceptionGroup as errors:
            expected, _ = errors.split((CallError, ConnectionClosed, TimeoutError))
            if expected is None:
                raise
            reason = str(expected.exceptions[0]) or "no final came"
            raise CallError(reason) from errors
    return heard


async def calls_at_once(
    url: str, turns: Sequence[Turn], number: int, *, within: float = 3.0
) -> list[list[Heard] | None]:
    """Calls that begin `within` seconds, each with another turn. None: it was refused.

    Raises CallError.
    """
    orders = [[*turns[n % len(turns) :], *turns[: n % len(turns)]] for n in range(number)]

    async def one(place: int) -> list[Heard] | None:
        try:
            return await call(url, orders[place], delay=1 + within * place / number)
        except RefusedError:
            return None

    return await asyncio.gather(*map(one, range(number)))


@contextlib.asynccontextmanager
async def _connected(url: str, language: str) -> AsyncIterator[ClientConnection]:
    try:
        socket = await connect(url.replace("http", "ws", 1) + PATH)
    except InvalidHandshake as error:
        raise RefusedError(f"the engine takes no call: {error}") from error
    except OSError as error:
        raise CallError(f"there is no engine at {url}: {error}") from error
    async with socket:
        await socket.send(Start(language=language).model_dump_json())
        ready = server_message.validate_json(await socket.recv())
        if isinstance(ready, Failed):
            raise CallError(ready.message)
        yield socket


class _Line:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._told = _Told()
        self._began = time.monotonic()
        self._sent = 0
        self._hiss = np.random.default_rng(0)

    @property
    def _at(self) -> float:
        """When the last sample sent was spoken."""
        return self._began + self._sent / SAMPLE_RATE

    async def read(self) -> None:
        async for message in self._socket:
            self._told.take(time.monotonic(), server_message.validate_json(message))

    async def silence(self, seconds: float) -> None:
        hiss = self._hiss.normal(0, _HISS, round(seconds * SAMPLE_RATE))
        await self._play(hiss.astype(np.int16))

    async def say(self, turn: Turn, id_: str) -> Heard:
        told = self._told = _Told()
        onset = self._at
        await self._play(turn.pcm)
        end = self._at
        await self.silence(FLUSH_AFTER)
        asked = time.monotonic()
        await self._socket.send(Flush(id=id_).model_dump_json())
        rest = turn.seconds * (1 - TALK) / TALK - FLUSH_AFTER
        await self.silence(max(rest, 2 * FLUSH_AFTER))
        async with asyncio.timeout(ANSWER_SECONDS):
            await told.answered.wait()
        return _heard(told, onset, end, asked)

    async def _play(self, pcm: Pcm) -> None:
        for frame in _frames(pcm):
            self._sent += len(frame)
            await asyncio.sleep(self._at - time.monotonic())
            await self._socket.send(frame.tobytes())


def _frames(pcm: Pcm) -> Iterator[Pcm]:
    return (pcm[start : start + FRAME] for start in range(0, len(pcm), FRAME))


def _heard(told: _Told, onset: float, end: float, asked: float) -> Heard:
    at, text = told.final
    early = told.preflight if told.preflight and end <= told.preflight[0] <= at else None
    ready, _ = early or told.final
    return Heard(
        speech=end - onset,
        interims=tuple((at - onset, words) for at, words in told.interims),
        ready=ready - end,
        final=at - end,
        flush_to_final=at - asked,
        text=" ".join(filter(None, [*told.before, text])),
        hit=None if early is None else early[1] == text,
        promised=tuple(told.promised),
    )

"""Conversations with a running engine, whose sentences are played at the pace of speech."""

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import count
from random import Random

import numpy as np
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bench.csm_heard import Frame, Level, Sentence, Tally, heard, level
from csm_engine.endings.level import dbfs
from csm_engine.protocol import (
    PATH,
    SAMPLE_RATE,
    Failed,
    InputCancel,
    InputDone,
    InputText,
    Remembers,
    SessionConfig,
    SessionReady,
    UtteranceDone,
    server_message,
)

TALK = 0.45
"""Share of a conversation in which its voice speaks."""

ANSWER_SECONDS = 60.0

TEXTS = (
    "Good morning, how can I help you?",
    "We are open until five today.",
    "I will put you through to a colleague who knows more about that.",
    "Your table for two is booked for half past seven on Friday evening.",
    "Yes, of course.",
    "Let me see. There is a room free from Monday until Thursday.",
)


class RefusedError(Exception):
    """The engine takes no conversation, or none such."""


@dataclass(frozen=True)
class Engine:
    """Where it is and how to speak with it."""

    url: str
    key: SecretStr | None
    voice: str
    remembers: Remembers


class Voice:
    """One conversation, a sentence at a time."""

    def __init__(self, socket: ClientConnection, model: str) -> None:
        self.model = model
        self._socket = socket
        self._numbers = count()

    async def speak(self, text: str, cut_after: float | None = None) -> Sentence:
        """Heard as it comes; cancelled when so many seconds of it have been played, if it is not
        over by then. Ends when the engine has ended it."""
        utterance = str(next(self._numbers))
        sentence = Sentence(time.perf_counter())
        began = asyncio.Event()
        try:
            await self._send(InputText(utterance=utterance, sentence=0, text=text))
            await self._send(InputDone(utterance=utterance))
            async with asyncio.timeout(ANSWER_SECONDS), asyncio.TaskGroup() as group:
                cutting = group.create_task(self._cut(utterance, sentence, began, cut_after))
                await self._hear(utterance, sentence, began)
                cutting.cancel()
        except* TimeoutError:
            sentence.failed = f"it was not over after {ANSWER_SECONDS:g} s"
        except* ConnectionClosed as errors:
            sentence.failed = f"the socket was closed: {errors.exceptions[0]}"
        return sentence

    async def _hear(self, utterance: str, sentence: Sentence, began: asyncio.Event) -> None:
        async for message in self._socket:
            now = time.perf_counter()
            if isinstance(message, bytes):
                samples = np.frombuffer(message, "<i2")
                seconds = len(samples) / SAMPLE_RATE
                sentence.frames.append(Frame(now, seconds, dbfs(samples / np.float32(32768))))
                began.set()
                continue
            match server_message.validate_json(message):
                case UtteranceDone() as over if over.utterance == utterance:
                    sentence.done = now
                    return
                case Failed(message=why):
                    sentence.failed = why
                case _:
                    pass
        sentence.failed = "the engine closed the socket"

    async def _cut(
        self, utterance: str, sentence: Sentence, began: asyncio.Event, after: float | None
    ) -> None:
        if after is None:
            return
        await began.wait()
        await asyncio.sleep(after)
        sentence.cut = time.perf_counter()
        await self._send(InputCancel(utterance=utterance, played_ms=round(1000 * after)))

    async def _send(self, message: InputText | InputDone | InputCancel) -> None:
        await self._socket.send(message.model_dump_json())


@asynccontextmanager
async def connected(engine: Engine) -> AsyncIterator[Voice]:
    """Raises RefusedError."""
    key = engine.key
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else None
    try:
        socket = await connect(
            engine.url.replace("http", "ws", 1) + PATH, additional_headers=headers
        )
    except InvalidHandshake as error:
        raise RefusedError(f"the engine takes no conversation: {error}") from error
    except OSError as error:
        raise RefusedError(f"there is no engine at {engine.url}: {error}") from error
    async with socket:
        config = SessionConfig(voice=engine.voice, remembers=engine.remembers)
        await socket.send(config.model_dump_json())
        match server_message.validate_json(await socket.recv()):
            case SessionReady(model=model):
                yield Voice(socket, model)
            case Failed(message=why):
                raise RefusedError(why)
            case other:
                raise RefusedError(f"it answered {other.type}")


async def mean_seconds(engine: Engine) -> tuple[float, str]:
    """Of the sentences, each spoken once; and the model's name. Raises RefusedError."""
    async with connected(engine) as voice:
        spoken = [await voice.speak(text) for text in TEXTS]
        if failed := next((one.failed for one in spoken if one.failed), None):
            raise RefusedError(f"a sentence could not be spoken: {failed}")
    total = sum(frame.seconds for one in spoken for frame in one.frames)
    if not total:
        raise RefusedError("it speaks, but nothing is heard")
    return total / len(spoken), voice.model


@dataclass(frozen=True)
class Load:
    """`speaking` voices on average, for so many seconds, if all are spoken to their end: sentences
    come at random, whatever the engine does (open loop); a share of them is cut short."""

    speaking: float
    seconds: float
    sentence: float
    cut: float
    seed: int

    @property
    def conversations(self) -> int:
        return math.ceil(self.speaking / TALK) + 2


async def hold(engine: Engine, load: Load) -> Level:
    """Raises RefusedError if no conversation at all was taken."""
    tally = Tally()
    async with AsyncExitStack() as stack:
        idle: deque[Voice] = deque()
        for _ in range(load.conversations):
            try:
                idle.append(await stack.enter_async_context(connected(engine)))
            except RefusedError:
                tally.refused += 1
        if not idle:
            raise RefusedError(f"all of {load.conversations} conversations were refused")
        async with asyncio.TaskGroup() as group:
            await _arrive(load, idle, tally, group)
    return level(load.speaking, load.conversations, tally)


async def _arrive(load: Load, idle: deque[Voice], tally: Tally, group: asyncio.TaskGroup) -> None:
    chance = Random(load.seed)
    began = time.perf_counter()
    due = 0.0
    while (due := due + chance.expovariate(load.speaking / load.sentence)) < load.seconds:
        text = chance.choice(TEXTS)
        cut = chance.uniform(0, load.sentence) if chance.random() < load.cut else None
        await asyncio.sleep(began + due - time.perf_counter())
        tally.late.append(time.perf_counter() - began - due)
        if idle:
            group.create_task(_play(idle.popleft(), idle, tally, text, cut))
        else:
            tally.unplaced += 1


async def _play(
    voice: Voice, idle: deque[Voice], tally: Tally, text: str, cut: float | None
) -> None:
    """The conversation is free again when the sentence has been played."""
    tally.began()
    sentence = await voice.speak(text, cut)
    tally.sentences.append(sentence)
    if sentence.cut is None:
        await asyncio.sleep(heard(sentence).over - time.perf_counter())
    tally.ended()
    idle.append(voice)


def sizes(largest: float) -> Sequence[float]:
    """1, 2, 4 … 64, then steps of 32."""
    doubled = [2.0**power for power in range(7)]
    more = [96.0 + 32 * step for step in range(math.ceil(largest / 32))]
    return [size for size in doubled + more if size <= largest]

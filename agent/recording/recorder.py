"""Records one call in the agent: what came from the caller, and what they heard of the agent."""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
from livekit import rtc
from livekit.agents.voice import io

from agent.persona.policies import RecordingKind
from agent.recording.files import SUFFIXES, Draft, remove
from agent.recording.patient import FULL
from agent.recording.tape import AGENT, CALLER, Samples, Tape

logger = logging.getLogger(__name__)

RATE = 16_000
"""Samples a second: all that a telephone carries, G.722 included."""

EVERY = 1.0
"""Seconds of sound that are written at once."""

SETTLED = 0.5
"""Seconds after which nothing more is put: a piece of sound may be told that late."""

MOST = 120.0
"""Seconds that may wait for a disk that hangs or has no room. Then the recording is given up."""

PATIENCE = 10.0
"""Seconds that the end of a call may wait for its recording."""


class Recorder:
    """`start` when both sides may be recorded; `stop` ends it, also in the middle of a call.

    While `secret` says so, silence stands for what the caller says. `hear` takes the caller's
    frames as they arrive, `played` the agent's with the moment at which they are heard, `dropped`
    says from when on they were not, after all: all by the loop's time.
    """

    def __init__(
        self, folder: Path, name: str, kind: RecordingKind, secret: Callable[[], bool]
    ) -> None:
        self.path = folder / f"{name}{SUFFIXES[kind]}"
        self._kind = kind
        self._secret = secret
        self._tape: Tape | None = None
        self._writing: asyncio.Task[bool] | None = None
        self._over = asyncio.Event()
        self._discarded = False
        self._caller, self._agent = _Resampler(), _Resampler()
        self.started_at: datetime | None = None
        """On the clock that a call's turns are told by."""

    @property
    def running(self) -> bool:
        return self._tape is not None

    def start(self) -> None:
        self.started_at = datetime.fromtimestamp(time.time(), UTC)
        self._tape = Tape(_now(), RATE)
        self._writing = asyncio.create_task(self._write(self._tape))

    def cease(self, *, discard: bool) -> None:
        """Record no more; `stop` says what came of it. With `discard` nothing is left."""
        self._discarded |= discard
        self._over.set()

    async def stop(self) -> bool:
        """Whether the recording is whole, and lies at `path`. False if there is none."""
        self._over.set()
        if self._writing is None:
            return False
        done, _ = await asyncio.wait({self._writing}, timeout=PATIENCE)
        if not done:
            logger.warning("the recording is not finished: it is left as it is")
        self._writing.cancel()
        if self._discarded:
            await asyncio.to_thread(remove, self.path)
            return False
        return bool(done) and self._writing.result()

    def hear(self, frame: rtc.AudioFrame) -> None:
        samples = self._caller.push(frame)
        if self._tape and len(samples) and not self._secret():
            self._tape.put(CALLER, _now() - frame.duration, samples)

    def played(self, at: float, frame: rtc.AudioFrame) -> None:
        if self._tape and len(samples := self._agent.push(frame)):
            self._tape.put(AGENT, at, samples)

    def dropped(self, at: float) -> None:
        self._agent = _Resampler()
        if self._tape:
            self._tape.cut(AGENT, at)

    async def _write(self, tape: Tape) -> bool:
        """In threads, a second at a time: neither the disk nor the encoder holds up the call."""
        try:
            async with asyncio.timeout(MOST) as given_up:
                draft = await self._drafted()
                while not self._over.is_set():
                    with suppress(TimeoutError):
                        async with asyncio.timeout(EVERY):
                            await self._over.wait()
                    given_up.reschedule(_now() + MOST)
                    await asyncio.to_thread(draft.write, tape.take(_now() - SETTLED))
                await asyncio.to_thread(draft.write, tape.take(_now()))
                await self._finished(draft)
                if self._discarded:
                    await asyncio.to_thread(remove, self.path)
        except (OSError, av.FFmpegError) as error:
            why = error.strerror or "the disk hangs"
            logger.error("the recording is lost", extra={"why": why})  # noqa: TRY400
            return False
        finally:
            self._tape = None
        return True

    async def _drafted(self) -> Draft:
        """As soon as there is room on the disk. Raises OSError."""
        while True:
            try:
                return await asyncio.to_thread(Draft, self.path, self._kind, RATE)
            except OSError as error:
                if error.errno not in FULL:
                    raise
            await asyncio.sleep(EVERY)

    async def _finished(self, draft: Draft) -> None:
        """As soon as there is room for its end. Raises OSError."""
        while not self._discarded:
            if await asyncio.to_thread(draft.finish):
                return
            await asyncio.sleep(EVERY)


class Overheard(io.AudioInput):
    """A session's input whose frames are recorded on their way."""

    def __init__(self, source: io.AudioInput, recorder: Recorder) -> None:
        super().__init__(label="Overheard", source=source)
        self._frames = source
        self._recorder = recorder

    async def __anext__(self) -> rtc.AudioFrame:
        frame = await anext(self._frames)
        self._recorder.hear(frame)
        return frame


class _Resampler:
    """To `RATE`, mono. Its delay is some milliseconds, the same all through the call."""

    def __init__(self) -> None:
        self._from: int | None = None
        self._inner: rtc.AudioResampler | None = None

    def push(self, frame: rtc.AudioFrame) -> Samples:
        if frame.sample_rate != self._from:
            self._from = frame.sample_rate
            self._inner = None
            if frame.sample_rate != RATE:
                self._inner = rtc.AudioResampler(frame.sample_rate, RATE, num_channels=1)
        frames = self._inner.push(frame) if self._inner else [frame]
        parts = [np.frombuffer(each.data, np.int16) for each in frames]
        return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _now() -> float:
    return asyncio.get_running_loop().time()

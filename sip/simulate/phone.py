"""An independent telephone: baresip, which knows nothing of LiveKit, as the caller.

baresip's sound source is a file: silence, and for each turn a file that begins with the speech. Its `sndfile` module writes
what it sends and what it hears while the call lasts; those two files are followed as they grow, so that the conversation is
as live as that of the hairpin caller.
"""

import asyncio
import contextlib
import io
import tempfile
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from sip.simulate.baresip import SILENCE, Control, baresip
from sip.simulate.caller import CallFailedError
from sip.simulate.group import one_failure
from sip.simulate.line import Line
from sip.simulate.speech import Samples
from sip.simulate.stack import Stack
from sip.simulate.timeline import write_wave

_RINGING = 30.0
_LOOK = 0.01  # seconds between two looks at the growing files: half a packet
_WAV_HEADER = 44


@dataclass
class _Phone(Line):
    """A line whose mouth and ear are baresip's."""

    folder: Path = field(kw_only=True)
    control: Control = field(kw_only=True)
    turns: int = 0

    async def say(self, speech: Samples) -> None:
        self.turns += 1
        file = self.folder / f"turn-{self.turns}.wav"
        whole = np.concatenate([speech, np.zeros(SILENCE, dtype=np.int16)])
        await asyncio.to_thread(write_wave, file, whole)
        spoken = self.sent.samples + speech.size
        await self.control.tell("ausrc", f"aufile,{file}")
        await self.until(lambda: self.sent.samples >= spoken)


class _Growing:
    """Samples of the WAV file that baresip will write in `folder` as `pattern`."""

    def __init__(self, folder: Path, pattern: str) -> None:
        self._folder = folder
        self._pattern = pattern
        self._file: io.FileIO | None = None
        self._odd = b""

    def read(self) -> Samples:
        """What has come since the last call."""
        if self._file is None:
            for path in self._folder.glob(self._pattern):
                self._file = io.FileIO(path)
                self._file.seek(_WAV_HEADER)
        data = self._odd + ((self._file and self._file.read()) or b"")
        even = len(data) // 2 * 2
        self._odd = data[even:]
        return np.frombuffer(data[:even], dtype="<i2").astype(np.int16)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


@contextlib.asynccontextmanager
async def phone_call(stack: Stack, *, to: str, from_: str) -> AsyncGenerator[Line]:
    """Like `caller.call`, by a baresip of its own.

    Raises CallFailedError when nobody answers or baresip cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="parley-phone-") as name:
        folder = Path(name)
        async with baresip(folder, stack, from_) as control:
            line = _Phone(asyncio.get_running_loop().time(), folder=folder, control=control)
            async with _connected(line, f"sip:{to}@{stack.sip_host}:{stack.sip_port}"):
                yield line
            line.sent = line.sent.steadied()  # stamped when seen, like what is heard


@contextlib.asynccontextmanager
async def _connected(line: _Phone, address: str) -> AsyncGenerator[None]:
    established: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    with one_failure():
        async with asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(_attend(line, established)),
                tasks.create_task(_follow(_Growing(line.folder, "dump-*-enc.wav"), line.sent.add)),
                tasks.create_task(_follow(_Growing(line.folder, "dump-*-dec.wav"), line.hear)),
            ]
            try:
                line.dialled_at = line.now()
                await line.control.tell("dial", address)
                try:
                    async with asyncio.timeout(_RINGING):
                        line.answered_at = await established
                except TimeoutError:
                    raise CallFailedError(f"no answer in {_RINGING:.0f} s") from None
                yield
            finally:
                line.drop()
                await line.control.tell("hangup")
                for task in running:
                    task.cancel()


async def _attend(line: _Phone, established: asyncio.Future[float]) -> None:
    """Follow the call until it is closed or baresip is gone."""
    what = "baresip ended"
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            kind, what = await line.control.event()
            if kind == "CALL_ESTABLISHED" and not established.done():
                established.set_result(line.now())
            if kind == "CALL_CLOSED":
                break
    line.drop()
    if not established.done():
        established.set_exception(CallFailedError(f"baresip: {what}"))


async def _follow(growing: _Growing, take: Callable[[float, Samples], None]) -> None:
    loop = asyncio.get_running_loop()
    with contextlib.closing(growing):
        while True:
            if (samples := growing.read()).size:
                take(loop.time(), samples)
            await asyncio.sleep(_LOOK)

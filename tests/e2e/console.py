"""The far end of the framework's console: somebody at a terminal, who speaks and listens over TCP."""

import asyncio
import contextlib
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import numpy as np
import soxr
from livekit.protocol.agent_pb import agent_session as agent_pb

from sip.simulate.speech import RATE as SPEECH_RATE
from sip.simulate.speech import spoken

Message = agent_pb.AgentSessionMessage
RATE = 48_000
FRAME = RATE // 50
HEADER = struct.Struct(">I")


@dataclass
class Console:
    """`heard` is the agent's sound, s16le mono at `RATE`; `words` is what agent and user said."""

    address: str
    heard: bytearray = field(default_factory=bytearray)
    words: list[str] = field(default_factory=list)
    _to_say: bytearray = field(default_factory=bytearray)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def heard_seconds(self) -> float:
        return len(self.heard) / 2 / RATE

    async def say(self, text: str) -> None:
        """Speak from the next frame on."""
        sound = soxr.resample(await spoken(text, "rms"), SPEECH_RATE, RATE)
        self._to_say += sound.astype("<i2").tobytes()

    async def until(self, fact: Callable[[], bool]) -> None:
        while not fact():
            self._news.clear()
            await self._news.wait()

    async def listen(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Until the worker hangs up."""
        while header := await reader.read(HEADER.size):
            (size,) = HEADER.unpack(header + await reader.readexactly(HEADER.size - len(header)))
            message = Message.FromString(await reader.readexactly(size))
            match message.WhichOneof("message"):
                case "audio_output":
                    self.heard += message.audio_output.data
                case "audio_playback_flush":
                    done = Message.ConsoleIO.AudioPlaybackFinished()
                    _send(writer, Message(audio_playback_finished=done))
                case "event" if message.event.HasField("conversation_item_added"):
                    said = message.event.conversation_item_added.item.message.content
                    self.words += [part.text for part in said]
            self._news.set()

    async def speak(self, writer: StreamWriter) -> None:
        """Silence where there is nothing to say, as a microphone would, while anybody listens."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while not writer.is_closing():
            piece = bytes(self._to_say[: 2 * FRAME]).ljust(2 * FRAME, b"\0")
            del self._to_say[: 2 * FRAME]
            frame = Message.ConsoleIO.AudioFrame(
                data=piece, sample_rate=RATE, num_channels=1, samples_per_channel=FRAME
            )
            _send(writer, Message(audio_input=frame))
            with contextlib.suppress(ConnectionError):  # the end of it, as `listen` sees too
                await writer.drain()
            due += FRAME / RATE
            await asyncio.sleep(due - loop.time())

    def loudness(self, since: float) -> float:
        """Root mean square of what was heard from `since` seconds of it on; 32767 is the most."""
        sound = np.frombuffer(self.heard[2 * int(since * RATE) :], dtype="<i2").astype(float)
        return float(np.sqrt(np.mean(sound**2))) if sound.size else 0.0


@asynccontextmanager
async def listening() -> AsyncGenerator[Console]:
    """Waits for one worker, whose console it is; leaving hangs up."""
    came: asyncio.Queue[tuple[StreamReader, StreamWriter]] = asyncio.Queue(maxsize=1)

    async def accept(reader: StreamReader, writer: StreamWriter) -> None:
        await came.put((reader, writer))

    async def serve(console: Console) -> None:
        reader, writer = await came.get()
        try:
            async with asyncio.TaskGroup() as both:
                speaking = both.create_task(console.speak(writer))
                await console.listen(reader, writer)
                speaking.cancel()
        finally:
            writer.close()

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        console = Console(f"127.0.0.1:{port}")
        async with asyncio.TaskGroup() as tasks:
            serving = tasks.create_task(serve(console))
            try:
                yield console
            finally:
                serving.cancel()


def _send(writer: StreamWriter, message: Message) -> None:
    body = message.SerializeToString()
    writer.write(HEADER.pack(len(body)) + body)

"""One call's socket: what comes in is put in order, and one stream hears it."""

import asyncio
import uuid

from parley_serving import RefusedError
from whisper_engine.model import UnknownLanguageError
from whisper_engine.protocol import SAMPLE_RATE, Ready, Start
from whisper_engine.streaming.inbox import Drain, Inbox
from whisper_engine.streaming.stream import Channel, Shared, Stream

START_SECONDS = 10.0


class Session:
    """Hears what a client sends, in the order sent. Ends when `run` returns."""

    def __init__(self, channel: Channel, shared: Shared) -> None:
        self._channel = channel
        self._shared = shared

    async def run(self) -> None:
        """Raises PeerGoneError when the client leaves, RefusedError when it misbehaves (in a group)."""
        start = await self._receive_start()
        inbox = Inbox(self._shared.behind)
        try:
            async with self._shared.model.decoder(start) as decoder, asyncio.TaskGroup() as group:
                helpers = [
                    group.create_task(self._read(inbox)),
                    group.create_task(self._tell_draining(inbox)),
                ]
                ready = Ready(session_id=uuid.uuid4().hex, model=self._shared.model.name)
                await self._channel.send(ready)
                stream = Stream(
                    self._channel, decoder, inbox, start=start, shared=self._shared, group=group
                )
                await stream.hear()
                for helper in helpers:
                    helper.cancel()
        except UnknownLanguageError as error:
            raise RefusedError("unknown_language", str(error)) from error

    async def _receive_start(self) -> Start:
        try:
            async with asyncio.timeout(START_SECONDS):
                start = await self._channel.receive()
        except TimeoutError:
            raise RefusedError("out_of_order", "no start came") from None
        if not isinstance(start, Start):
            raise RefusedError("out_of_order", "the first message must be start")
        return start

    async def _read(self, inbox: Inbox) -> None:
        while True:
            match await self._channel.receive():
                case bytes() as pcm:
                    if len(pcm) % 2:
                        raise RefusedError("bad_audio", "sound comes as whole 16-bit samples")
                    self._shared.metrics.audio_seconds.inc(len(pcm) / 2 / SAMPLE_RATE)
                    await inbox.put(pcm)
                case Start():
                    raise RefusedError("out_of_order", "start may come only once")
                case message:
                    await inbox.put(message)

    async def _tell_draining(self, inbox: Inbox) -> None:
        await self._shared.draining.wait()
        await inbox.put(Drain())

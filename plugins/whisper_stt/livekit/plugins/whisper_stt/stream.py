"""One call's hearing. It outlives its sockets: what a lost one did not answer is told to the next."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from livekit import rtc
from livekit.agents import APIConnectOptions, APITimeoutError, stt
from livekit.plugins.whisper_stt.errors import one_api_error
from livekit.plugins.whisper_stt.events import Events
from livekit.plugins.whisper_stt.replay import Asked, Replay
from livekit.plugins.whisper_stt.socket import EngineSocket, mono_pcm

from whisper_engine.protocol import SAMPLE_RATE, End, Ended, Final, Flush

USAGE = 5 * SAMPLE_RATE
"""Samples after which usage is reported even if no final has come."""

Connect = Callable[[float], AbstractAsyncContextManager[EngineSocket]]


class Stream(stt.RecognizeStream):
    """LiveKit's own retry opens the next socket: it runs `_run` again on the same stream.

    A flush with no new sound since the one before says nothing and is answered by nothing. With new
    sound it is answered by a FINAL, of empty text when nobody spoke: that ends the wait of
    `commit_user_turn`, and LiveKit ignores it otherwise.
    """

    def __init__(
        self, *, whisper: stt.STT, connect: Connect, conn_options: APIConnectOptions
    ) -> None:
        super().__init__(stt=whisper, conn_options=conn_options, sample_rate=SAMPLE_RATE)
        self._connect = connect
        self._replay = Replay()
        self._events: Events | None = None
        self._answer_by = asyncio.Timeout(None)
        self._flushes = 0
        self._flushed_at = 0
        self._counted = 0

    async def _run(self) -> None:
        # A retry moves start_time_offset on by the clock; our times count the sound itself.
        events = self._events = self._events or Events(self.start_time_offset)
        try:
            async with self._connect(self._conn_options.timeout) as socket:
                events.request_id = socket.session_id
                events.offset = self._replay.start / SAMPLE_RATE
                async with asyncio.TaskGroup() as group:
                    sender = group.create_task(self._send(socket, events))
                    await self._receive(socket, events)
                    sender.cancel()
        except ExceptionGroup as group:
            raise one_api_error(group) from group
        for event in events.stop():
            self._event_ch.send_nowait(event)
        self._count_usage(events)

    async def _send(self, socket: EngineSocket, events: Events) -> None:
        for item in self._replay.items():
            if isinstance(item, Asked):
                await self._ask(socket, item.id)
            else:
                await socket.send_audio(item)
        async for frame in self._input_ch:
            if isinstance(frame, rtc.AudioFrame):
                pcm = mono_pcm(frame)
                self._replay.add_audio(pcm)
                await socket.send_audio(pcm)
                self._count_usage(events, least=USAGE)
            elif self._replay.end > self._flushed_at:
                self._flushed_at = self._replay.end
                self._flushes += 1
                self._replay.add_flush(str(self._flushes))
                await self._ask(socket, str(self._flushes))
        await socket.send(End())
        self._expect_answer()

    async def _ask(self, socket: EngineSocket, id: str) -> None:
        await socket.send(Flush(id=id))
        self._expect_answer()

    async def _receive(self, socket: EngineSocket, events: Events) -> None:
        try:
            async with asyncio.timeout(None) as self._answer_by:
                while True:
                    message = await socket.receive()
                    for event in events.of(message):
                        self._event_ch.send_nowait(event)
                    if isinstance(message, Final):
                        self._take_final(message, events)
                    if isinstance(message, Ended):
                        return
        except TimeoutError as error:
            raise APITimeoutError("the Whisper engine does not answer") from error

    def _take_final(self, final: Final, events: Events) -> None:
        if final.id is None:
            self._replay.decided(round((final.end + events.offset) * SAMPLE_RATE))
        else:
            self._replay.answered(final.id)
            if not self._replay.asked:
                self._answer_by.reschedule(None)
        self._count_usage(events)

    def _expect_answer(self) -> None:
        due = asyncio.get_running_loop().time() + self._conn_options.timeout
        self._answer_by.reschedule(due)

    def _count_usage(self, events: Events, *, least: int = 1) -> None:
        new = self._replay.end - self._counted
        if new >= least:
            self._counted = self._replay.end
            self._event_ch.send_nowait(events.usage(new / SAMPLE_RATE))

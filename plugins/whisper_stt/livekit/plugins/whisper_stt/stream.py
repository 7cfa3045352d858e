"""One call's hearing. It outlives its sockets: what a lost one did not answer is told to the next."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from livekit import rtc
from livekit.agents import APIConnectOptions, APITimeoutError, stt
from livekit.plugins.whisper_stt.errors import one_api_error
from livekit.plugins.whisper_stt.events import Events
from livekit.plugins.whisper_stt.replay import Asked, Replay
from livekit.plugins.whisper_stt.socket import EngineSocket
from livekit.plugins.whisper_stt.sound import Intake

from whisper_engine.protocol import SAMPLE_RATE, End, Ended, Final, Flush

USAGE = 5 * SAMPLE_RATE
"""Samples after which usage is reported even if no final has come."""

Connect = Callable[[float], AbstractAsyncContextManager[EngineSocket]]
"""A new socket, within so many seconds, with the options as they are now."""


class Stream(stt.RecognizeStream):
    """LiveKit's own retry opens the next socket: it runs `_run` again on the same stream.

    A flush with no new sound since the one before says nothing and is answered by nothing. With new
    sound it is answered by a FINAL, of empty text when nobody spoke: that ends the wait of
    `commit_user_turn`, and LiveKit ignores it otherwise.
    """

    def __init__(
        self, *, whisper: stt.STT, connect: Connect, conn_options: APIConnectOptions
    ) -> None:
        # With a sample_rate LiveKit would resample, and hold back up to 118 ms of sound.
        super().__init__(stt=whisper, conn_options=conn_options)
        self._connect = connect
        self._intake = Intake()
        self._replay = Replay()
        self._events: Events | None = None
        self._answer_by = asyncio.Timeout(None)
        self._outdated = False
        self._renew = asyncio.Event()
        self._flushes = 0
        self._flushed_at = 0
        self._counted = 0

    def push_frame(self, frame: rtc.AudioFrame) -> None:
        """Frames may change their rate. Raises RuntimeError once the input has ended."""
        self._check_input_not_ended()
        self._check_not_closed()
        self._input_ch.send_nowait(frame)

    def renew(self) -> None:
        """The options have changed: a new socket hears by them, between two utterances."""
        self._outdated = True
        self._renew_if_idle()

    async def _run(self) -> None:
        # A retry moves start_time_offset on by the clock; our times count the sound itself.
        events = self._events = self._events or Events(self.start_time_offset)
        try:
            while await self._hear(events):
                pass
        except ExceptionGroup as group:
            error = one_api_error(group)
            raise error from error.__cause__ or group
        for event in events.stop():
            self._event_ch.send_nowait(event)
        self._count_usage(events)

    async def _hear(self, events: Events) -> bool:
        """By one socket, to the end of the sound. True: a new one has to go on, by new options."""
        self._outdated = False
        self._renew.clear()
        async with self._connect(self._conn_options.timeout) as socket:
            events.request_id = socket.session_id
            events.offset = self._replay.start / SAMPLE_RATE
            async with asyncio.TaskGroup() as group:
                renewal = group.create_task(self._renew.wait())
                hearing = group.create_task(self._receive(socket, events))
                sending = group.create_task(self._send(socket, events))
                done, _ = await asyncio.wait(
                    {hearing, renewal}, return_when=asyncio.FIRST_COMPLETED
                )
                for task in (renewal, hearing, sending):
                    task.cancel()
        return hearing not in done

    async def _send(self, socket: EngineSocket, events: Events) -> None:
        for kept in self._replay.items():
            if isinstance(kept, Asked):
                await self._ask(socket, kept.id)
            else:
                await socket.send_audio(kept)
        async for item in self._input_ch:
            if isinstance(item, rtc.AudioFrame):
                await self._say(socket, self._intake.push(item))
                self._count_usage(events, least=USAGE)
            elif self._replay.end > self._flushed_at:
                self._flushed_at = self._replay.end
                self._flushes += 1
                self._replay.add_flush(str(self._flushes))
                await self._ask(socket, str(self._flushes))
        await self._say(socket, self._intake.end())
        await socket.send(End())
        self._expect_answer()

    async def _say(self, socket: EngineSocket, pcm: bytes) -> None:
        self._replay.add_audio(pcm)
        await socket.send_audio(pcm)

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
        self._renew_if_idle()

    def _renew_if_idle(self) -> None:
        busy = self._replay.asked or (self._events is not None and self._events.busy)
        if self._outdated and not busy:
            self._renew.set()

    def _expect_answer(self) -> None:
        due = asyncio.get_running_loop().time() + self._conn_options.timeout
        self._answer_by.reschedule(due)

    def _count_usage(self, events: Events, *, least: int = 1) -> None:
        new = self._replay.end - self._counted
        if new >= least:
            self._counted = self._replay.end
            self._event_ch.send_nowait(events.usage(new / SAMPLE_RATE))

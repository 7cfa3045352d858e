"""One call's conversation with the engine, over its socket."""

import asyncio
import uuid
from contextlib import aclosing
from dataclasses import dataclass

from csm_engine.model import SpeakError, UnknownVoiceError
from csm_engine.protocol import (
    AudioDone,
    AudioStart,
    ClientMessage,
    ContextAppend,
    Failed,
    InputCancel,
    InputDone,
    InputText,
    SessionClose,
    SessionConfig,
    SessionDone,
    SessionReady,
    UtteranceDone,
)
from csm_engine.speaker import Manner, Progress, Speaker
from csm_engine.utterances import Utterances
from parley_serving import RefusedError, Socket

CONFIG_SECONDS = 10.0
MAX_QUEUED = 64
"""Sentences (and ends of utterances) waiting; a client that sends more is refused."""

_Item = InputText | InputDone | SessionClose


@dataclass(frozen=True)
class _Current:
    utterance: str
    work: asyncio.Task[None]


class Session:
    """Speaks what a client asks for, in the order asked. Ends when `run` returns."""

    def __init__(
        self, socket: Socket[ClientMessage], speaker: Speaker, draining: asyncio.Event
    ) -> None:
        self._socket = socket
        self._speaker = speaker
        self._draining = draining
        self._queue: asyncio.Queue[_Item] = asyncio.Queue(MAX_QUEUED)
        self._utterances = Utterances()
        self._current: _Current | None = None

    async def run(self) -> None:
        """Raises PeerGoneError when the client leaves, RefusedError when it misbehaves (in a group)."""
        manner = await self._configure()
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._listen()),
                group.create_task(self._close_when_draining()),
            ]
            await self._speak_all(manner, group)
            for helper in helpers:
                helper.cancel()

    async def _configure(self) -> Manner:
        try:
            async with asyncio.timeout(CONFIG_SECONDS):
                config = await self._socket.receive()
        except TimeoutError:
            raise RefusedError("out_of_order", "no session.config came") from None
        if not isinstance(config, SessionConfig):
            raise RefusedError("out_of_order", "the first message must be session.config")
        try:
            self._speaker.model.check(config.voice, config.language)
        except UnknownVoiceError as error:
            raise RefusedError("unknown_voice", str(error)) from error
        ready = SessionReady(
            session_id=config.session_id or uuid.uuid4().hex,
            model=self._speaker.model.name,
            sample_rate=config.sample_rate,
        )
        await self._socket.send(ready)
        return Manner(config.voice, config.language, config.sample_rate)

    async def _listen(self) -> None:
        while True:
            match await self._socket.receive():
                case InputText() as text:
                    if self._utterances.take_text(text.utterance, text.sentence):
                        self._enqueue(text)
                case InputDone() as done:
                    if self._utterances.take_done(done.utterance):
                        self._enqueue(done)
                case InputCancel(utterance=utterance):
                    await self._cancel(utterance)
                case ContextAppend():
                    pass  # no model here keeps a context
                case SessionClose() as close:
                    self._enqueue(close)
                case SessionConfig():
                    raise RefusedError("out_of_order", "session.config may come only once")
                case bytes():
                    raise RefusedError("bad_message", "the engine takes no audio")

    def _enqueue(self, item: _Item) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            raise RefusedError("too_many", f"{MAX_QUEUED} sentences are waiting already") from None

    async def _cancel(self, utterance: str) -> None:
        if not self._utterances.cancel(utterance):
            return
        if self._current and self._current.utterance == utterance:
            self._current.work.cancel()  # `_speak_all` answers once the model has stopped
        else:
            await self._end(utterance)

    async def _close_when_draining(self) -> None:
        await self._draining.wait()
        await self._utterances.idle.wait()
        await self._queue.put(SessionClose())

    async def _speak_all(self, manner: Manner, group: asyncio.TaskGroup) -> None:
        while True:
            match await self._queue.get():
                case InputText() as text:
                    if self._utterances.wants(text.utterance):
                        await self._speak(text, manner, group)
                case InputDone(utterance=utterance):
                    if self._utterances.wants(utterance):
                        await self._end(utterance)
                case SessionClose():
                    await self._socket.send(SessionDone())
                    return

    async def _speak(self, text: InputText, manner: Manner, group: asyncio.TaskGroup) -> None:
        progress = Progress()
        await self._socket.send(AudioStart(utterance=text.utterance, sentence=text.sentence))
        work = group.create_task(self._send_sound(text, manner, progress))
        self._current = _Current(text.utterance, work)
        if not self._utterances.wants(text.utterance):
            work.cancel()  # the cancel came while `audio.start` was being sent
        await asyncio.wait({work})
        if not work.cancelled():
            work.result()
        await self._socket.send(
            AudioDone(
                utterance=text.utterance,
                sentence=text.sentence,
                finish_reason=progress.reason,
                frames=progress.frames,
            )
        )
        self._current = None
        if not self._utterances.wants(text.utterance):
            await self._end(text.utterance)

    async def _send_sound(self, text: InputText, manner: Manner, progress: Progress) -> None:
        try:
            async with aclosing(self._speaker.speak(text.text, manner, progress)) as frames:
                async for frame in frames:
                    await self._socket.send_audio(frame)
        except SpeakError as error:
            await self._socket.send(
                Failed(
                    code="speak_failed",
                    message=str(error),
                    retryable=error.retryable,
                    utterance=text.utterance,
                    sentence=text.sentence,
                )
            )

    async def _end(self, utterance: str) -> None:
        reason = self._utterances.end(utterance)
        await self._socket.send(UtteranceDone(utterance=utterance, finish_reason=reason))

"""One call's conversation with the engine, over its socket."""

import asyncio
import uuid
from contextlib import aclosing
from dataclasses import dataclass

from csm_engine.audio import SAMPLE_BYTES
from csm_engine.model import Conversation, Manner, SpeakError, UnknownVoiceError
from csm_engine.protocol import (
    AudioDone,
    AudioStart,
    ClientMessage,
    ContextAppend,
    ContextReset,
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
from csm_engine.shelf import Shelf
from csm_engine.speaker import Progress, Speaker
from csm_engine.utterances import Utterances
from parley_serving import PeerGoneError, RefusedError, Socket

CONFIG_SECONDS = 10.0
MAX_QUEUED = 64
"""Sentences (and ends of utterances) waiting; a client that sends more is refused."""

_Item = InputText | InputDone | ContextAppend | ContextReset | SessionClose


@dataclass(frozen=True)
class _Held:
    conversation: Conversation
    config: SessionConfig


@dataclass
class _Current:
    utterance: str
    work: asyncio.Task[None] | None = None


class Session:
    """Speaks what a client asks for, in the order asked. Ends when `run` returns."""

    def __init__(
        self,
        socket: Socket[ClientMessage],
        speaker: Speaker,
        shelf: Shelf,
        draining: asyncio.Event,
    ) -> None:
        self._socket = socket
        self._speaker = speaker
        self._shelf = shelf
        self._draining = draining
        self._queue: asyncio.Queue[_Item] = asyncio.Queue(MAX_QUEUED)
        self._utterances = Utterances()
        self._current: _Current | None = None

    async def run(self) -> None:
        """Raises PeerGoneError when the client leaves, RefusedError when it misbehaves (in a group)."""
        config = await self._configure()
        session_id = config.session_id or uuid.uuid4().hex
        manner = Manner(
            voice=config.voice,
            language=config.language,
            remembers=config.remembers,
            caller_rate=config.caller_rate,
        )
        found = self._shelf.take(session_id, manner)
        conversation = found or self._speaker.model.converse(manner)
        lost = False
        try:
            await self._socket.send(
                SessionReady(
                    session_id=session_id,
                    model=self._speaker.model.name,
                    sample_rate=config.sample_rate,
                    resumed=found is not None,
                )
            )
            await self._converse(_Held(conversation, config))
        except* PeerGoneError:
            lost = True
            raise
        finally:
            if lost:
                self._shelf.keep(session_id, manner, conversation)
            else:
                conversation.close()

    async def _converse(self, held: _Held) -> None:
        async with asyncio.TaskGroup() as group:
            helpers = [
                group.create_task(self._listen(held)),
                group.create_task(self._close_when_draining()),
            ]
            await self._speak_all(held, group)
            for helper in helpers:
                helper.cancel()

    async def _configure(self) -> SessionConfig:
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
        return config

    async def _listen(self, held: _Held) -> None:
        while True:
            match await self._socket.receive():
                case InputText() as text:
                    if self._utterances.take_text(text.utterance, text.sentence):
                        self._enqueue(text)
                case InputDone() as done:
                    if self._utterances.take_done(done.utterance):
                        self._enqueue(done)
                case InputCancel() as cancel:
                    await self._cancel(cancel, held.conversation)
                case ContextAppend() | ContextReset() | SessionClose() as item:
                    self._enqueue(item)
                case SessionConfig():
                    raise RefusedError("out_of_order", "session.config may come only once")
                case bytes() as pcm:
                    self._hear(pcm, held)

    def _hear(self, pcm: bytes, held: _Held) -> None:
        if held.config.remembers != "sounds":
            raise RefusedError("bad_message", "no sound is taken but with `remembers` `sounds`")
        if len(pcm) % SAMPLE_BYTES:
            raise RefusedError("bad_audio", f"{len(pcm)} bytes are no whole 16-bit samples")
        held.conversation.hear(pcm)

    def _enqueue(self, item: _Item) -> None:
        try:
            self._queue.put_nowait(item)
        except asyncio.QueueFull:
            raise RefusedError("too_many", f"{MAX_QUEUED} sentences are waiting already") from None

    async def _cancel(self, cancel: InputCancel, conversation: Conversation) -> None:
        began = self._current is not None and self._current.utterance == cancel.utterance
        first = self._utterances.cancel(cancel.utterance)
        if first and began:
            await self._stop()
        conversation.cut(cancel.utterance, cancel.played_ms / 1000)
        if first and not began:
            await self._end(cancel.utterance)

    async def _stop(self) -> None:
        """`_speak` answers, once the model has stopped."""
        if self._current and self._current.work:
            self._current.work.cancel()
            await asyncio.wait({self._current.work})

    async def _close_when_draining(self) -> None:
        await self._draining.wait()
        await self._utterances.idle.wait()
        await self._queue.put(SessionClose())

    async def _speak_all(self, held: _Held, group: asyncio.TaskGroup) -> None:
        while True:
            match await self._queue.get():
                case InputText() as text:
                    if self._utterances.wants(text.utterance):
                        await self._speak(text, held, group)
                case InputDone(utterance=utterance):
                    if self._utterances.wants(utterance):
                        await self._end(utterance)
                case ContextAppend(speaker=speaker, text=words):
                    held.conversation.append(speaker, words)
                case ContextReset():
                    held.conversation.reset()
                case SessionClose():
                    await self._socket.send(SessionDone())
                    return

    async def _speak(self, text: InputText, held: _Held, group: asyncio.TaskGroup) -> None:
        progress = Progress()
        self._current = current = _Current(text.utterance)
        await self._socket.send(AudioStart(utterance=text.utterance, sentence=text.sentence))
        if self._utterances.wants(text.utterance):  # or the cancel came while that was being sent
            current.work = work = group.create_task(self._send_sound(text, held, progress))
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

    async def _send_sound(self, text: InputText, held: _Held, progress: Progress) -> None:
        sound = self._speaker.speak(
            held.conversation,
            text.text,
            progress,
            utterance=text.utterance,
            rate=held.config.sample_rate,
        )
        try:
            async with aclosing(sound) as frames:
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

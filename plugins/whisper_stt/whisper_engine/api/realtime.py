"""`WS /v1/realtime?intent=transcription`: OpenAI's Realtime wire in front of the engine's own session.

One policy hears all calls: this door only translates. Of the native wire it loses preflights, words
and confidences, for which it has no events; interims become deltas of what is stable.
"""

import asyncio
import uuid
from collections import deque
from dataclasses import replace

from pydantic import BaseModel
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket

from parley_serving import Gate, RefusedError, Socket, converse
from parley_serving.gate import FullError
from parley_serving.reservations import reservation_of
from whisper_engine import protocol
from whisper_engine.api import errors
from whisper_engine.api import realtime_events as events
from whisper_engine.api.errors import ApiError
from whisper_engine.api.realtime_config import checked, merged, policy_of, start_of, state_of
from whisper_engine.api.realtime_items import Items
from whisper_engine.model import UnknownLanguageError
from whisper_engine.resampling import Resampler
from whisper_engine.streaming.hearing import Policy
from whisper_engine.streaming.session import Session
from whisper_engine.streaming.stream import Shared

PATH = "/v1/realtime"
_CLEAR = "clear"
_COMMIT = "commit"


def realtime_route(shared: Shared, gate: Gate) -> WebSocketRoute:
    """A socket holds one of the gate's sessions, as the engine's own sockets do."""

    async def serve(websocket: WebSocket) -> None:
        try:
            _check(websocket, shared.model.name)
            with gate.session(reservation_of(websocket)):
                await websocket.accept()
                socket = Socket(websocket, events.client_event, protocol.MAX_MESSAGE_BYTES)
                await converse(socket, Realtime(socket, shared).run(), _told)
        except FullError as error:
            await websocket.send_denial_response(errors.full(error))
        except ApiError as error:
            await websocket.send_denial_response(errors.refusal(error))

    return WebSocketRoute(PATH, serve)


def _check(websocket: WebSocket, model: str) -> None:
    asked = websocket.query_params
    if asked.get("intent", "transcription") != "transcription":
        raise ApiError(400, "bad_request", "this engine only hears: intent=transcription", "intent")
    if asked.get("model", model) != model:
        raise errors.unknown_model(asked["model"], model)


class Realtime:
    """One client, which a native `Session` takes for a socket of its own wire.

    A session is of one language and one policy; when the client changes them, what it has said is
    heard out and a new session goes on.
    """

    def __init__(self, socket: Socket[events.ClientEvent], shared: Shared) -> None:
        self._socket = socket
        self._shared = shared
        self._id = f"sess_{uuid.uuid4().hex}"
        self._config = events.Session()
        self._resampler = Resampler(self._config.audio.input.format.rate)
        self._items = Items(socket)
        self._coming: deque[protocol.ClientMessage | bytes] = deque()
        self._uncommitted = False
        self._started = self._ending = False

    async def run(self) -> None:
        """Raises what `Session.run` raises: when the client leaves or misbehaves."""
        await self._tell_state("session.created")
        while True:
            self._items.detecting = self._config.audio.input.turn_detection is not None
            shared = replace(self._shared, policy=self._policy(self._config))
            self._started = self._ending = False
            await Session(self, shared).run()

    async def receive(self) -> protocol.ClientMessage | bytes:
        if not self._started:
            self._started = True
            return self._start(self._config)
        if self._ending:
            await asyncio.Event().wait()  # the session cancels this; what comes is for the next
        while not self._coming:
            await self._take()
        message = self._coming.popleft()
        self._ending = isinstance(message, protocol.End)
        return message

    async def send(self, message: BaseModel) -> None:
        match message:
            case protocol.SpeechStarted(at=at):
                await self._items.speech_started(at)
            case protocol.SpeechEnded(at=at):
                await self._items.speech_stopped(at)
            case protocol.Interim():
                await self._items.heard(message.text[: message.stable_chars])
            case protocol.Final(id=str(id_)) if id_ == _CLEAR:
                await self._items.clear()
            case protocol.Final():
                await self._items.final(message, committed=message.id == _COMMIT)
            case protocol.Ended(audio_seconds=seconds):
                self._items.passed += seconds

    async def _take(self) -> None:
        """One event of the client's. What is wrong with it is told, and the session goes on."""
        event_id = None
        try:
            event = await self._receive()
            event_id = event.event_id
            match event:
                case events.SessionUpdate():
                    await self._update(event)
                case events.Append():
                    self._append(event.audio)
                case events.Commit():
                    self._commit()
                case events.Clear():
                    self._uncommitted = False
                    # The answer to the flush says that all before it has been dropped.
                    self._coming += [protocol.Cancel(), protocol.Flush(id=_CLEAR)]
        except ApiError as error:
            body = {**error.body, "event_id": event_id}
            await self._socket.send(events.Error(event_id=events.new_id(), error=body))

    async def _receive(self) -> events.ClientEvent:
        try:
            event = await self._socket.receive()
        except RefusedError as error:
            if error.code != "bad_message":
                raise
            raise ApiError(400, error.code, str(error)) from error
        if isinstance(event, bytes):
            raise ApiError(400, "bad_message", "send sound in input_audio_buffer.append, as base64")
        return event

    async def _update(self, event: events.SessionUpdate) -> None:
        model = self._shared.model
        config = checked(merged(self._config, event.session), model.name, model.languages)
        start, policy = self._start(config), self._policy(config)
        if start != self._start(self._config):
            await self._check_language(start)
        if config.audio.input.format.rate != self._resampler.rate:
            self._coming.append(self._resampler.flush())
            self._resampler = Resampler(config.audio.input.format.rate)
        if (start, policy) != (self._start(self._config), self._policy(self._config)):
            self._coming.append(protocol.End())
        self._config = config
        await self._tell_state("session.updated")

    def _start(self, config: events.Session) -> protocol.Start:
        return start_of(config, self._shared.model.languages)

    def _policy(self, config: events.Session) -> Policy:
        return policy_of(config, self._shared.policy)

    async def _check_language(self, start: protocol.Start) -> None:
        try:
            async with self._shared.model.decoder(start):
                pass
        except UnknownLanguageError as error:
            raise ApiError(400, "unknown_language", str(error), "language") from error

    def _append(self, sound: bytes) -> None:
        try:
            pcm = self._resampler.push(sound)
        except ValueError as error:
            raise ApiError(400, "bad_audio", str(error), "audio") from error
        self._uncommitted = self._uncommitted or bool(sound)
        if pcm:
            self._coming.append(pcm)

    def _commit(self) -> None:
        if not self._uncommitted:
            message = "nothing has been appended since the last commit"
            raise ApiError(400, "input_audio_buffer_commit_empty", message)
        self._uncommitted = False
        self._coming.append(protocol.Flush(id=_COMMIT))

    async def _tell_state(self, kind: events.StateKind) -> None:
        model = self._shared.model
        session = state_of(self._config, self._id, model.name, model.languages)
        await self._socket.send(
            events.SessionState(event_id=events.new_id(), type=kind, session=session)
        )


def _told(error: RefusedError) -> events.Error:
    status = 503 if error.retryable else 400
    return events.Error(
        event_id=events.new_id(), error=ApiError(status, error.code, str(error)).body
    )

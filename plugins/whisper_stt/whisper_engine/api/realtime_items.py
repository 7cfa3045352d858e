"""The items of a Realtime conversation: one an utterance, told from its first word to its text."""

import uuid

from parley_serving import Socket
from whisper_engine.api import realtime_events as events
from whisper_engine.api.deltas import Deltas
from whisper_engine.protocol import Final


class Items:
    """`passed`: seconds of sound of earlier native sessions. `detecting`: whether the engine ends
    the items, or the client does.
    """

    def __init__(self, socket: Socket[events.ClientEvent]) -> None:
        self._socket = socket
        self._previous: str | None = None
        self._open()
        self.passed = 0.0
        self.detecting = True

    def _open(self) -> None:
        self._id = f"item_{uuid.uuid4().hex}"
        self._deltas = Deltas()
        self._parts: list[str] = []
        self._seconds = 0.0
        self._begun = False

    async def speech_started(self, at: float) -> None:
        if self.detecting:
            if self._begun:  # its sound came to no words: there was no final
                await self._complete(None)
            self._begun = True
            await self._socket.send(
                events.SpeechStarted(
                    event_id=events.new_id(), item_id=self._id, audio_start_ms=self._millis(at)
                )
            )

    async def speech_stopped(self, at: float) -> None:
        if self.detecting:
            await self._socket.send(
                events.SpeechStopped(
                    event_id=events.new_id(), item_id=self._id, audio_end_ms=self._millis(at)
                )
            )

    async def heard(self, text: str) -> None:
        """What of the open item will not change."""
        delta = self._deltas.upto(" ".join([*self._parts, text] if text else self._parts))
        if delta:
            await self._socket.send(
                events.Delta(event_id=events.new_id(), item_id=self._id, delta=delta)
            )

    async def final(self, final: Final, *, committed: bool) -> None:
        """A final that the client did not ask for ends the item only where the engine may: else it
        is the beginning of what the client will commit, too long to be heard in one.
        """
        self._seconds += final.end - final.start
        if final.text:
            await self.heard(final.text)
            self._parts.append(final.text)
        if committed or (self.detecting and self._parts):
            await self._complete(final.language)

    async def clear(self) -> None:
        self._open()
        await self._socket.send(events.Cleared(event_id=events.new_id()))

    async def _complete(self, language: str | None) -> None:
        transcript = " ".join(self._parts)
        item: dict[str, object] = {
            "id": self._id,
            "object": "realtime.item",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_audio", "transcript": transcript}],
        }
        usage: dict[str, object] = {"type": "duration", "seconds": round(self._seconds, 3)}
        for event in (
            events.Committed(
                event_id=events.new_id(), item_id=self._id, previous_item_id=self._previous
            ),
            events.ItemAdded(event_id=events.new_id(), previous_item_id=self._previous, item=item),
            events.Completed(
                event_id=events.new_id(),
                item_id=self._id,
                transcript=transcript,
                languages=({"code": language},) if language and transcript else (),
                usage=usage,
            ),
        ):
            await self._socket.send(event)
        self._previous = self._id
        self._open()

    def _millis(self, at: float) -> int:
        return round((self.passed + at) * 1000)

"""What one stream has asked its decoder for: at most one interim and one speculative text at a time."""

import asyncio
import logging
from dataclasses import dataclass

from parley_serving import RefusedError
from parley_serving.telemetry import span
from whisper_engine.model import Decoder, Heard, HearError, Kind, Request
from whisper_engine.streaming.hearing import Utterance
from whisper_engine.streaming.inbox import Inbox, Made

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Speculation:
    utterance: Utterance
    task: asyncio.Task[Heard | None]


class Decodes:
    """What is made comes back through the inbox, so that a stream tells everything in one order.

    The tasks belong to the group, which is the session's.
    """

    def __init__(self, decoder: Decoder, inbox: Inbox, group: asyncio.TaskGroup) -> None:
        self._decoder = decoder
        self._inbox = inbox
        self._group = group
        self._interim: asyncio.Task[Heard | None] | None = None
        self._speculation: _Speculation | None = None

    def interim(self, utterance: Utterance, request: Request) -> None:
        """Nothing happens while an earlier one is not done: the next will know more."""
        if self._interim is None or self._interim.done():
            self._interim = self._group.create_task(self._make(utterance, request))

    def speculate(self, utterance: Utterance, request: Request) -> None:
        """The text of a final of `utterance`, before it is asked for."""
        self.drop()
        task = self._group.create_task(self._make(utterance, request))
        self._speculation = _Speculation(utterance, task)

    def resumed(self, utterance: Utterance | None) -> None:
        """A speculation on anything but `utterance` has come to nothing."""
        if self._speculation and self._speculation.utterance != utterance:
            self._speculation.task.cancel()
            self._speculation = None

    def drop(self) -> None:
        self.resumed(None)
        self._drop_interim()

    async def final(self, utterance: Utterance, request: Request) -> tuple[Heard, bool]:
        """The text, and whether speculation had made it. Then nothing is in hand any more."""
        self._drop_interim()
        heard = await self._speculated(utterance)
        if heard is not None:
            return heard, True
        return await self._decode(request) or Heard(), False

    async def _speculated(self, utterance: Utterance) -> Heard | None:
        self.resumed(utterance)
        speculation, self._speculation = self._speculation, None
        if speculation is None:
            return None
        self._decoder.promote()
        return await speculation.task

    def _drop_interim(self) -> None:
        if self._interim:
            self._interim.cancel()
            self._interim = None

    async def _make(self, utterance: Utterance, request: Request) -> Heard | None:
        heard = await self._decode(request)
        if heard is not None:
            await self._inbox.put_first(Made(utterance, request.kind, heard))
        return heard

    async def _decode(self, request: Request) -> Heard | None:
        try:
            with span("decode", kind=Kind(request.kind).name.lower()):
                return await self._decoder.decode(request)
        except HearError as error:
            logger.exception("the model failed", extra={"kind": Kind(request.kind).name})
            raise RefusedError("hear_failed", str(error), retryable=True) from error

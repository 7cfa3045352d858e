"""Which utterances a session has open, and which late messages it may ignore. Pure."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import Literal

from parley_serving import RefusedError

MAX_OPEN = 16
"""Utterances begun and not ended; a client that opens more is refused."""
MAX_REMEMBERED = 256
"""Ended utterances whose late messages are still known to be late."""

EndReason = Literal["stop", "cancelled"]


@dataclass
class _Utterance:
    next_sentence: int = 0
    complete: bool = False
    cancelled: bool = False


class Utterances:
    """An utterance is open from its first message until `end`. Raises RefusedError out of order."""

    def __init__(self) -> None:
        self._open: dict[str, _Utterance] = {}
        self._ended: OrderedDict[str, EndReason] = OrderedDict()
        self.idle = asyncio.Event()
        self.idle.set()

    def take_text(self, id: str, sentence: int) -> bool:
        """False for a sentence of a cancelled utterance: it is late, and nobody's fault."""
        if self._cancelled(id):
            return False
        utterance = self._open.get(id) or _Utterance()
        if id in self._ended or utterance.complete or sentence != utterance.next_sentence:
            raise RefusedError("out_of_order", f"sentence {sentence} is not the utterance's next")
        self._begin(id, utterance)
        utterance.next_sentence += 1
        return True

    def take_done(self, id: str) -> bool:
        if self._cancelled(id):
            return False
        utterance = self._open.get(id)
        if utterance is None or utterance.complete:
            raise RefusedError("out_of_order", "input.done for an utterance that is not open")
        utterance.complete = True
        return True

    def cancel(self, id: str) -> bool:
        """False when the utterance has ended already: the cancel crossed its last message."""
        if id in self._ended or self._cancelled(id):
            return False
        utterance = self._open.get(id) or _Utterance()
        self._begin(id, utterance)
        utterance.cancelled = True
        return True

    def wants(self, id: str) -> bool:
        """Whether sound of this utterance is still wanted."""
        return id in self._open and not self._open[id].cancelled

    def end(self, id: str) -> EndReason:
        reason: EndReason = "cancelled" if self._open.pop(id).cancelled else "stop"
        self._ended[id] = reason
        if len(self._ended) > MAX_REMEMBERED:
            self._ended.popitem(last=False)
        if not self._open:
            self.idle.set()
        return reason

    def _cancelled(self, id: str) -> bool:
        return self._ended.get(id) == "cancelled" or (id in self._open and self._open[id].cancelled)

    def _begin(self, id: str, utterance: _Utterance) -> None:
        if id not in self._open and len(self._open) >= MAX_OPEN:
            raise RefusedError("too_many", f"{MAX_OPEN} utterances are open already")
        self._open[id] = utterance
        self.idle.clear()

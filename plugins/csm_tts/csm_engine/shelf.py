"""Conversations whose client was lost: kept for a while, in case it comes back."""

import asyncio
from dataclasses import dataclass

from csm_engine.model import Conversation, Manner

KEPT_SECONDS = 30.0
MOST = 64
"""Kept at once; the oldest makes room."""


@dataclass(frozen=True)
class _Kept:
    conversation: Conversation
    manner: Manner
    end: asyncio.TimerHandle


class Shelf:
    """By the session's id, which is as good as a secret: a client that gave none got a random one.

    Belongs to one event loop.
    """

    def __init__(self, seconds: float = KEPT_SECONDS) -> None:
        self._seconds = seconds
        self._kept: dict[str, _Kept] = {}

    def keep(self, session_id: str, manner: Manner, conversation: Conversation) -> None:
        """Closes it when its time is over."""
        self._drop(session_id)
        if len(self._kept) >= MOST:
            self._drop(next(iter(self._kept)))
        end = asyncio.get_running_loop().call_later(self._seconds, self._drop, session_id)
        self._kept[session_id] = _Kept(conversation, manner, end)

    def take(self, session_id: str, manner: Manner) -> Conversation | None:
        """None where there is none that was held in this manner."""
        kept = self._kept.get(session_id)
        if kept is None or kept.manner != manner:
            return None
        del self._kept[session_id]
        kept.end.cancel()
        return kept.conversation

    def close(self) -> None:
        """Closes all that are kept."""
        for session_id in list(self._kept):
            self._drop(session_id)

    def _drop(self, session_id: str) -> None:
        kept = self._kept.pop(session_id, None)
        if kept is not None:
            kept.end.cancel()
            kept.conversation.close()

"""Who is signed in: kept by this process alone, so that a restart signs everybody out."""

import hashlib
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

LONGEST = timedelta(days=7)
IDLE = timedelta(hours=12)
"""A session ends so long after it began, or after it was last used."""

MOST = 200
"""With one more, the one unused for longest ends."""


@dataclass(frozen=True)
class Session:
    """`id` may be shown and logged; the cookie may not."""

    id: str
    name: str
    opened_at: datetime
    seen_at: datetime

    def goes_on(self, now: datetime) -> bool:
        return now - self.opened_at < LONGEST and now - self.seen_at < IDLE


class Sessions:
    """By the digest of what the browser sends."""

    def __init__(self) -> None:
        self._sessions: dict[bytes, Session] = {}
        self._lock = threading.Lock()

    def open(self, name: str, now: datetime) -> str:
        """What the browser is to send."""
        sent = secrets.token_urlsafe(32)
        session = Session(secrets.token_hex(4), name, now, now)
        with self._lock:
            live = {key: each for key, each in self._sessions.items() if each.goes_on(now)}
            kept = sorted(live.items(), key=lambda item: item[1].seen_at)[-(MOST - 1) :]
            self._sessions = dict(kept) | {_digest(sent): session}
        return sent

    def find(self, sent: str, now: datetime) -> Session | None:
        """It has been used by that."""
        with self._lock:
            session = self._sessions.get(_digest(sent))
            if session is None or not session.goes_on(now):
                return None
            used = replace(session, seen_at=max(now, session.seen_at))
            self._sessions[_digest(sent)] = used
        return used

    def close(self, sent: str) -> None:
        with self._lock:
            self._sessions.pop(_digest(sent), None)


def _digest(sent: str) -> bytes:
    return hashlib.sha256(sent.encode()).digest()

"""Dials whose dialler died, and who takes them over."""

from datetime import datetime, timedelta

from ledger.unchanged import Unchanged
from sip.outbound.queue import Dial, Queue


class Abandoned:
    """A call is answered or not long before its claim is `patience` seconds old: whoever made it is dead.

    The first look trusts the wall clock, for nobody knows how long it has been so; from then on it
    counts for how long a claim has stood, by a steady clock. A wall clock that is put forward takes
    no call from a dialler that lives, and one that is put back leaves none with a dead one.
    """

    def __init__(self, queue: Queue, patience: float) -> None:
        self._queue = queue
        self._claims = Unchanged(patience)
        self._has_looked = False

    def take(self, now: datetime, steady: float) -> list[Dial]:
        """They are ours now. Blocks. `steady` is seconds of a clock that nobody puts."""
        dials = {dial.id: dial for dial in self._queue.dialling()}
        old = self._claims.look({key: dial.claimed_at for key, dial in dials.items()}, steady)
        if not self._has_looked:
            age = timedelta(seconds=self._claims.patience)
            old |= {key for key, dial in dials.items() if _since(dial) < now - age}
        self._has_looked = True
        taken = (self._queue.take_over(dials[key], now) for key in sorted(old))
        return [dial for dial in taken if dial]


def _since(dial: Dial) -> datetime:
    """One that is kept for themselves by who dials it is due at once, and not claimed yet."""
    return dial.claimed_at or dial.due_at

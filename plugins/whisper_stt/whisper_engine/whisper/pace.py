"""What there is time for under the present load. Pure: `now` is passed in."""

import math

from whisper_engine.model import Kind, Pace

WINDOW = 4.0
"""Seconds over which the load is averaged, the latest counting most."""

SMOOTHING = 0.2
"""What the latest batch or wait counts for in its average."""

LEAST_PERIOD, MOST_PERIOD = 0.3, 2.0
PERIOD_PER_BATCH = 3
SLOWED = 2

PAUSE, BUSY_PAUSE = 0.064, 0.16
"""Seconds of silence: two windows of the voice detector, or five when each decode counts. A text that
speech overtakes costs nobody anything while a worker is idle."""


class Load:
    """The load is the larger of two figures, 1.0 being all that can be borne:

    - work: the share of the workers' time that would be taken if all batches were as large as is
      allowed. Plain busy time is near 1.0 long before anyone waits, since an idle worker runs
      whatever is there;
    - waiting: the mean time that finals, speculative texts and first interims have waited for a
      worker, in units of `patience`. It sees what the first figure does not: decodes too
      different to share batches, and workers that hang.

    Above 0.6 interims come half as often, and texts are prepared after longer silences; above 0.85
    only first interims; above 0.9 none; above 0.95 no speculative texts; above 0.98 there is no room
    for another stream. Each comes back at a lower load than it went at, so that shedding does not
    undo itself at once.

    Args:
        workers: how many run batches.
        patience: seconds that a decode on a call may wait when all is as full as can be.
    """

    def __init__(self, workers: int, patience: float) -> None:
        self._workers = workers
        self._patience = patience
        self._work = 0.0
        self._wait = 0.0
        self._batch: float | None = None
        self._at = -math.inf
        self._slowed = _Switch(0.6, 0.5)
        self._no_interims = _Switch(0.85, 0.7)
        self._no_first = _Switch(0.9, 0.75)
        self._no_speculation = _Switch(0.95, 0.8)
        self._full = _Switch(0.98, 0.7)

    def ran(self, kind: Kind, seconds: float, need: float, now: float) -> None:
        """A batch ended that took `seconds`, of which it needed the share `need`."""
        if kind is Kind.FILE:  # it gives way to calls: what it delays all the same, waits show
            return
        self._forget(now)
        self._work += seconds * need / (WINDOW * self._workers)
        before = seconds if self._batch is None else self._batch
        self._batch = before + SMOOTHING * (seconds - before)

    def waited(self, kind: Kind, seconds: float, now: float) -> None:
        """A decode waited `seconds` for its worker."""
        if kind < Kind.INTERIM:
            self._forget(now)
            self._wait += SMOOTHING * (seconds - self._wait)

    def utilisation(self, now: float, longest_wait: float = 0.0) -> float:
        """From 0.0, of both figures. `longest_wait` is of what waits now; it counts beyond
        `patience` only, or each peak would look like a load."""
        self._forget(now)
        wait = max(self._wait, longest_wait - self._patience)
        return max(self._work, wait / self._patience)

    def pace(self, now: float, longest_wait: float = 0.0) -> Pace:
        load = self.utilisation(now, longest_wait)
        period = PERIOD_PER_BATCH * (self._batch or 0.0)
        period = min(max(period, LEAST_PERIOD), MOST_PERIOD)
        slowed = self._slowed.at(load)
        if slowed:
            period *= SLOWED
        return Pace(
            interim=None if self._no_interims.at(load) else period,
            first_interim=not self._no_first.at(load),
            speculative=not self._no_speculation.at(load),
            pause=BUSY_PAUSE if slowed else PAUSE,
            tail=PAUSE,
        )

    def has_room(self, now: float, longest_wait: float = 0.0) -> bool:
        return not self._full.at(self.utilisation(now, longest_wait))

    def _forget(self, now: float) -> None:
        """Waits fade too: after the last call of a rush there is no new one to lower their mean."""
        if now > self._at:
            fading = math.exp((self._at - now) / WINDOW)
            self._work *= fading
            self._wait *= fading
            self._at = now


class _Switch:
    """On above `on`, off below `off`, and in between as it was."""

    def __init__(self, on: float, off: float) -> None:
        self._on = on
        self._off = off
        self._is_on = False

    def at(self, load: float) -> bool:
        self._is_on = load > (self._off if self._is_on else self._on)
        return self._is_on

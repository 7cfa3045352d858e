"""Figures of days that are over: they no longer change but by what is erased."""

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine

from ledger.figures import Figures, read_figures

SETTLED = timedelta(hours=1)
"""After its end calls of a day still end."""

FRESH = timedelta(minutes=10)
"""For so long figures of calls that were erased meanwhile may stand."""

KEPT = 400

Span = tuple[datetime, datetime, bool]


@dataclass
class Remembered:
    """Reads the figures of a span, or has them from before. From any thread."""

    _known: OrderedDict[Span, tuple[datetime, Figures]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def figures(
        self, engine: Engine, since: datetime, until: datetime, *, tests: bool, now: datetime
    ) -> Figures:
        span = (since, until, tests)
        with self._lock:
            at, known = self._known.get(span, (None, None))
        if known and at and timedelta() <= now - at < FRESH:
            return known
        figures = read_figures(engine, since, until, tests=tests)
        if until < now - SETTLED:
            with self._lock:
                self._known[span] = (now, figures)
                self._known.move_to_end(span)
                while len(self._known) > KEPT:
                    self._known.popitem(last=False)
        return figures

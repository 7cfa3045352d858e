"""How many calls a measured machine bears, by the simulation of `bench.whisper_load`."""

import math
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context

from bench.simulated_callers import simulate
from bench.simulated_ears import CARD, Machine, Report
from whisper_engine.whisper.cost import Coefficients

LATE = 0.02
"""Seconds from a flush to its final that 19 of 20 must not exceed."""


@dataclass(frozen=True)
class Case:
    """`padded`: finals at 30 s."""

    shape: str
    way: str
    padded: bool
    period: float
    machine: Machine


@dataclass(frozen=True)
class Borne:
    """The most calls of the ladder of which every one is heard in time; 0 where none is.

    Args:
        finals: seconds from flush to final, p50, p95 and p99.
        ready: the same from the end of speech to the speculative text.
        interims: a minute of call.
        top: whether the ladder ended, not the machine.
    """

    shape: str
    way: str
    padded: bool
    period: float | None
    calls: int
    finals: tuple[float, ...] = ()
    ready: tuple[float, ...] = ()
    interims: float = 0.0
    top: bool = False


def cases(
    shape: str, way: str, takes: Coefficients, contention: float, periods: Sequence[float]
) -> list[Case]:
    """With finals at 30 s and with finals cut, at each period."""
    machine = replace(CARD, takes=takes, believed=takes, contention=contention)
    return [
        Case(shape, way, padded, period, replace(machine, padded=padded, period=period))
        for padded in (True, False)
        for period in periods
    ]


def all_borne(wanted: Iterable[Case], ladder: Sequence[int], seconds: float) -> list[Borne]:
    """On every core: each case is simulated by itself, `seconds` of each call."""
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        return list(pool.map(partial(borne, ladder=ladder, seconds=seconds), wanted))


def borne(case: Case, ladder: Sequence[int], seconds: float) -> Borne:
    best = Borne(case.shape, case.way, case.padded, _finite(case.period), 0)
    for calls in ladder:
        report = simulate(case.machine, calls, seconds)
        if not all(report.rooms) or _ranks(report.finals)[1] > LATE:
            return best
        best = _told(best, report, calls, seconds)
    return replace(best, top=True)


def _told(before: Borne, report: Report, calls: int, seconds: float) -> Borne:
    return replace(
        before,
        calls=calls,
        finals=_ranks(report.finals),
        ready=_ranks(report.speculative),
        interims=60 * report.interims / seconds / calls,
    )


def _ranks(values: Sequence[float]) -> tuple[float, ...]:
    """p50, p95, p99; nothing takes no time."""
    ordered = sorted(values) or [0.0]
    return tuple(ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95, 0.99))


def _finite(period: float) -> float | None:
    """JSON knows no infinity."""
    return period if math.isfinite(period) else None

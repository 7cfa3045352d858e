"""How many calls a measured machine bears, by the simulation of `bench.whisper_load`."""

import math
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from multiprocessing import get_context

from bench.simulated_callers import simulate
from bench.simulated_ears import CARD, Machine, Report
from whisper_engine.whisper.cost import Coefficients

LATE = 0.02
"""Seconds from a flush to its final that 19 of 20 must not exceed."""


@dataclass(frozen=True)
class Case:
    shape: str
    way: str
    machine: Machine


@dataclass(frozen=True)
class Calls:
    """So many calls on one machine.

    Args:
        padded: finals at 30 s.
        period: least seconds from an interim to the next; None: no interims.
        finals: seconds from flush to final, p50, p95 and p99.
        ready: the same from the end of speech to the speculative text.
        interims: a minute of call.
        in_time: finals within LATE, and room for one more call all the time.
    """

    shape: str
    way: str
    padded: bool
    period: float | None
    calls: int
    finals: tuple[float, ...] = ()
    ready: tuple[float, ...] = ()
    interims: float = 0.0
    in_time: bool = True


@dataclass(frozen=True)
class Simulated:
    """`most`: the highest rung of `ladder` up to which all are heard in time, 0 where none is."""

    ladder: tuple[int, ...]
    at: tuple[Calls, ...]
    most: tuple[Calls, ...]


def cases(shape: str, way: str, takes: Coefficients, contention: float) -> tuple[Case, Case]:
    """With finals at 30 s, and with finals cut."""
    machine = replace(CARD, takes=takes, believed=takes, contention=contention)
    return Case(shape, way, machine), Case(shape, way, replace(machine, padded=False))


def simulated(
    wanted: Sequence[Case],
    at: Sequence[int],
    periods: Sequence[float],
    ladder: Sequence[int],
    seconds: float,
) -> Simulated:
    """On every core. `at`: numbers of calls whose interims come as the load policy says."""
    paced = [with_period(case, period) for case, period in product(wanted, periods)]
    with ProcessPoolExecutor(mp_context=get_context("spawn")) as pool:
        some = [pool.submit(hold, case, calls, seconds) for case, calls in product(wanted, at)]
        most = pool.map(partial(most_borne, ladder=ladder, seconds=seconds), paced)
        return Simulated(tuple(ladder), tuple(each.result() for each in some), tuple(most))


def with_period(case: Case, period: float) -> Case:
    return replace(case, machine=replace(case.machine, period=period))


def most_borne(case: Case, ladder: Sequence[int], seconds: float) -> Calls:
    best = _told(case, 0)
    for calls in ladder:
        held = hold(case, calls, seconds)
        if not held.in_time:
            break
        best = held
    return best


def hold(case: Case, calls: int, seconds: float) -> Calls:
    """`seconds` of each call."""
    report: Report = simulate(case.machine, calls, seconds)
    finals = _ranks(report.finals)
    return replace(
        _told(case, calls),
        finals=finals,
        ready=_ranks(report.speculative),
        interims=60 * report.interims / seconds / calls,
        in_time=all(report.rooms) and (not finals or finals[1] <= LATE),
    )


def _told(case: Case, calls: int) -> Calls:
    period = case.machine.period if math.isfinite(case.machine.period) else None
    return Calls(case.shape, case.way, case.machine.padded, period, calls)


def _ranks(values: Sequence[float]) -> tuple[float, ...]:
    """p50, p95, p99."""
    ordered = sorted(values)
    if not ordered:
        return ()
    return tuple(ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95, 0.99))

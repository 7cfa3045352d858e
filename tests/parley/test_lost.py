"""When a part counts as lost: on virtual time, with a part that answers as it is told."""

import asyncio
from collections.abc import Iterable, Mapping
from itertools import chain, repeat

import pytest

from parley.lost import ANSWER, EVERY, LATE, SPARED, Deaths, Silence, until_hung
from parley.part import Part, Probe
from parley.rehearse.clock import VirtualLoop
from tests.fakes.virtual_time import on_virtual_time

AFTER = 10.0
ROUND = EVERY + ANSWER
"""Seconds until a part that hangs has not answered once."""


def part(says: Iterable[bool], spared: Probe | None = None) -> Part:
    """It answers at once, or not within the time that a question has."""
    answers = iter(says)

    async def alive() -> bool:
        if not (says := next(answers)):
            await asyncio.sleep(ANSWER)
        return says

    return Part("a", (), {}, 1, answers=_never_asked, alive=alive, spared=spared)


async def _never_asked() -> bool:
    raise AssertionError("whether it is ready is no sign of life")


def now() -> float:
    return asyncio.get_running_loop().time()


@on_virtual_time
async def test_a_part_that_answers_nothing_is_hung() -> None:
    began = now()
    silent = await until_hung(part(repeat(False)), AFTER)
    assert AFTER <= silent < AFTER + ROUND
    assert silent == pytest.approx(now() - began)


@on_virtual_time
async def test_only_failures_in_a_row_count() -> None:
    began, busy = now(), ([False] * 3 + [True]) * 20
    await until_hung(part(chain(busy, repeat(False))), AFTER)
    assert now() - began >= 20 * (3 * ROUND + EVERY) + AFTER


@on_virtual_time
async def test_a_machine_that_was_away_has_not_seen_a_part_hang() -> None:
    """Suspended, stopped or too busy to ask: questions that took longer than they may do not count."""
    loop, asked = asyncio.get_running_loop(), 0
    assert isinstance(loop, VirtualLoop)

    async def alive() -> bool:
        nonlocal asked
        asked += 1
        if asked <= 50:
            loop.jump(60.0)
        return False

    hung = Part("a", (), {}, 1, answers=alive)
    await until_hung(hung, AFTER)
    assert asked - 50 >= AFTER / ROUND


@on_virtual_time
async def test_a_part_that_holds_calls_is_given_more_time_but_not_for_ever() -> None:
    began = now()
    await until_hung(part(repeat(False), spared=_yes), AFTER)
    assert SPARED * AFTER <= now() - began < SPARED * AFTER + ROUND


@on_virtual_time
async def test_when_the_last_call_is_over_it_is_spared_no_longer() -> None:
    began = now()

    async def calls() -> bool:
        return now() < began + 2 * AFTER

    await until_hung(part(repeat(False), spared=calls), AFTER)
    assert 2 * AFTER <= now() - began < 2 * AFTER + ROUND


async def _yes() -> bool:
    return True


@pytest.mark.parametrize(
    ("took", "lasted"),
    [
        (EVERY, 2 * EVERY),
        (EVERY + ANSWER + LATE, 2 * (EVERY + ANSWER + LATE)),
        (EVERY + ANSWER + LATE + 0.1, 0.0),
    ],
)
def test_a_question_that_took_too_long_begins_the_count_anew(took: float, lasted: float) -> None:
    silence = Silence()
    for _ in range(2):
        silence.asked(answered=False, took=took)
    assert silence.lasted == lasted
    silence.asked(answered=True, took=took)
    assert silence.lasted == 0.0


@pytest.mark.parametrize(
    ("deaths", "pauses"),
    [
        ({0.0: 1.0, 1.0: 2.0, 59.0: None}, "three within a minute are one too many"),
        ({0.0: 1.0, 30.0: 2.0, 60.0: 2.0, 90.0: 2.0}, "a death is forgotten after a minute"),
    ],
)
def test_deaths_are_counted_within_a_minute(
    deaths: Mapping[float, float | None], pauses: str
) -> None:
    counted = Deaths(first_pause=1.0)
    assert {now: counted.count(now) for now in deaths} == deaths, pauses

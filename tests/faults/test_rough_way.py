"""The rough line itself: what is put in comes out once, late, out of order or not at all."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.rough_way import Roughness, Way

TIMES = st.lists(st.floats(0.0, 60.0), max_size=50).map(sorted)
SEEDS = st.integers(0, 2**32)
END = 1e9


@st.composite
def roughnesses(draw: st.DrawFn) -> Roughness:
    delay = draw(st.floats(0.0, 2.0))
    return Roughness(delay, draw(st.floats(0.0, delay)), draw(st.floats(0.0, 1.0)))


def arrivals(way: Way, sent: list[float]) -> dict[int, float]:
    """Of packets numbered as they were sent: when each came, to the moment."""
    for number, at in enumerate(sent):
        way.put(str(number).encode(), at)
    came: dict[int, float] = {}
    while (due := way.next_due) is not None:
        for packet in way.take(due):
            assert int(packet) not in came, "it came twice"
            came[int(packet)] = due
    assert way.take(END) == []
    return came


@given(roughnesses(), SEEDS, TIMES)
def test_a_packet_comes_once_at_most_and_within_its_time(
    roughness: Roughness, seed: int, sent: list[float]
) -> None:
    for number, came in arrivals(Way(roughness, seed), sent).items():
        took = came - sent[number]
        assert took == pytest.approx(roughness.delay, abs=roughness.jitter + 1e-6)


@given(st.floats(0.0, 2.0), SEEDS, TIMES)
def test_without_jitter_and_loss_all_come_in_order(
    delay: float, seed: int, sent: list[float]
) -> None:
    assert list(arrivals(Way(Roughness(delay), seed), sent)) == list(range(len(sent)))


@given(roughnesses(), SEEDS, TIMES)
def test_nothing_comes_before_it_is_due(roughness: Roughness, seed: int, sent: list[float]) -> None:
    way = Way(roughness, seed)
    for at in sent:
        way.put(b"packet", at)
    if (due := way.next_due) is not None:
        assert way.take(due - 1e-3) == []


@given(roughnesses(), SEEDS, TIMES, st.integers(0, 50))
def test_a_packets_fate_is_not_changed_by_those_after_it(
    roughness: Roughness, seed: int, sent: list[float], first: int
) -> None:
    whole = arrivals(Way(roughness, seed), sent)
    part = arrivals(Way(roughness, seed), sent[:first])
    assert part == {number: came for number, came in whole.items() if number < first}


def test_packets_are_lost_and_overtake_as_often_as_is_said() -> None:
    sent = [n * 0.02 for n in range(10_000)]
    came = arrivals(Way(Roughness(0.2, 0.03, 0.05), seed=7, bound=len(sent)), sent)
    assert 1.0 - len(came) / len(sent) == pytest.approx(0.05, abs=0.01)
    order = list(came)
    overtaken = sum(after < before for before, after in itertools.pairwise(order))
    # The difference of two even spreads of 60 ms exceeds 20 ms in (2/3)²/2 of all pairs.
    assert 0.1 < overtaken / len(order) < 0.3


def test_what_finds_the_queue_full_is_dropped() -> None:
    way = Way(Roughness(delay=1.0), seed=1, bound=3)
    for number in range(5):
        way.put(bytes([number]), now=0.0)
    assert way.take(1.0) == [b"\x00", b"\x01", b"\x02"]


@pytest.mark.parametrize("wrong", [(0.1, 0.2, 0.0), (0.1, -0.1, 0.0), (0.1, 0.0, 1.1)])
def test_a_line_that_cannot_be_is_refused(wrong: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="wanted"):
        Roughness(*wrong)

"""From one call to ten thousand: more never need less, and one node less carries what was promised."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.record import RESULTS
from bench.scale_figures import TALK, UNMEASURED, parts, read_costs
from bench.scale_parts import Need, Part, Share, first_to_end, layout
from bench.scale_talk import simulate
from parley.plan.figures import Origin, Source
from parley.plan.gpus import GPUS
from parley.plan.traffic import voices

KNOWN = parts(UNMEASURED, GPUS["h200"], RESULTS)
SOURCE = Source(Origin.ASSUMED, "the test")

calls = st.integers(1, 20_000)
needs = st.builds(
    Need,
    what=st.just("thing"),
    a_call=st.floats(0.001, 10),
    node=st.floats(10, 10_000),
    takes=st.just(SOURCE),
    has=st.just(SOURCE),
    events=st.sampled_from([0.0, 0.005, 0.5]),
    each=st.floats(0, 3),
)
some_parts = st.one_of(
    st.sampled_from(KNOWN),
    st.builds(
        Part,
        name=st.just("part"),
        node=st.just("node"),
        needs=st.lists(needs, min_size=1, max_size=3).map(tuple),
        spare=st.integers(0, 2),
    ),
)


def share(part: Part, size: int) -> Share:
    (only,) = layout([part], size)
    return only


@given(some_parts, calls, st.integers(0, 5000))
def test_more_calls_never_need_fewer_nodes(part: Part, size: int, more: int) -> None:
    assert share(part, size).nodes <= share(part, size + more).nodes


@given(some_parts, calls)
def test_with_one_node_lost_what_is_promised_is_carried(part: Part, size: int) -> None:
    found = share(part, size)
    if part.grows:
        assert found.is_enough
        left = found.nodes - part.spare
        assert all(need.of(size) <= left * need.node for need in part.needs)
        assert found.used <= found.used_with_loss <= 1


@given(some_parts, calls)
def test_no_node_is_there_for_nothing(part: Part, size: int) -> None:
    found = share(part, size)
    if part.grows and found.working > 1:
        assert any(need.of(size) > (found.working - 1) * need.node for need in part.needs)


@settings(max_examples=25)
@given(some_parts)
def test_a_node_carries_as_many_calls_as_it_says_and_not_one_more(part: Part) -> None:
    assert all(need.of(part.carries) <= need.node for need in part.needs)
    assert any(need.of(part.carries + 1) > need.node for need in part.needs)


def test_what_cannot_grow_is_said_to_end() -> None:
    bus = next(part for part in KNOWN if not part.grows)
    assert share(bus, bus.carries).is_enough
    over = share(bus, bus.carries + 1)
    assert not over.is_enough
    assert first_to_end([over, *layout(KNOWN[:3], 10)]) is over


@pytest.mark.parametrize("size", [10, 100, 1000])
def test_the_rule_for_voices_at_once_is_met_by_calls_that_talk_by_chance(size: int) -> None:
    seen = simulate(TALK, size, seconds=200).voices
    assert abs(seen - voices(size)) <= max(2, 0.05 * size)


def test_every_figure_says_how_it_is_known() -> None:
    for part in KNOWN:
        for need in part.needs:
            assert need.takes.where
            assert need.has.where


def test_what_was_measured_goes_before_what_is_assumed(tmp_path: Path) -> None:
    assert read_costs(tmp_path) is UNMEASURED
    measured = """{"machine": {"cpu": "AMD EPYC", "date": "2026-11-22T01:00:00+00:00"},
        "parts": {"livekit-sip": {"cores": 0.03, "mib": 6}, "livekit-server": {"cores": 0.02, "mib": 9},
        "worker": {"cores": 0.1, "mib": 70}}, "redis_commands": 150, "ledger_rows_a_second": 0.2}"""
    (tmp_path / "part_costs.json").write_text(measured)
    costs = read_costs(tmp_path)
    assert costs.cores["worker"] == 0.1
    assert costs.source == Source(
        Origin.MEASURED, "bench/results/part_costs.json, AMD EPYC, 2026-11-22"
    )
    (tmp_path / "part_costs.json").write_text('{"parts": {}}')
    assert read_costs(tmp_path) is UNMEASURED

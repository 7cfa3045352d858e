import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.call import BadRequestError, Call, CallRequest, CallState, HeldCalls, WrongStateError


def test_a_call_goes_from_idle_to_its_summary() -> None:
    call = Call(id="c1", started_at=10.0)
    call.connecting()
    call.active(11.5)
    assert call.stopping("caller hung up")
    call.ended(20.0)
    summary = call.summary(99.0)
    assert summary["state"] == "stopping"
    assert summary["end_reason"] == "caller hung up"
    assert summary["connected_after"] == 1.5
    assert summary["seconds"] == 10.0


def test_the_first_reason_to_stop_stands() -> None:
    call = Call(id="c1", started_at=0.0)
    call.connecting()
    assert call.stopping("caller hung up")
    assert not call.stopping("agent hung up")
    assert call.end_reason == "caller hung up"


def test_a_call_cannot_talk_before_it_connects_or_after_it_stops() -> None:
    call = Call(id="c1", started_at=0.0)
    with pytest.raises(WrongStateError, match="idle cannot become active"):
        call.active(1.0)
    call.connecting()
    call.stopping("caller hung up")
    with pytest.raises(WrongStateError, match="stopping cannot become active"):
        call.active(2.0)


@pytest.mark.parametrize("steps", [0, 1, 2, 3])
def test_a_call_can_fail_in_any_state_and_keeps_the_first_error(steps: int) -> None:
    call = Call(id="c1", started_at=0.0)
    for step in (call.connecting, lambda: call.active(1.0), lambda: call.stopping("x"))[:steps]:
        step()
    call.failed("no voice")
    call.failed("no ears")
    assert (call.state, call.error) == (CallState.ERROR, "no voice")
    assert not call.stopping("late")


def test_a_request_survives_the_wire() -> None:
    request = CallRequest(direction="outbound", to="+15550100", from_="+15550199", vars={"k": "v"})
    assert CallRequest.parse(request.to_metadata()) == request
    assert json.loads(request.to_metadata())["from"] == "+15550199"


@pytest.mark.parametrize(
    ("metadata", "where"),
    [
        ("{", "metadata"),
        ("[]", "metadata"),
        ('{"version": 2}', "version"),
        ('{"persona": "../secrets"}', "persona"),
        ('{"colour": "red"}', "colour"),
        ('{"vars": {"n": 1}}', "vars.n"),
    ],
)
def test_a_bad_request_names_the_field(metadata: str, where: str) -> None:
    with pytest.raises(BadRequestError, match=where):
        CallRequest.parse(metadata)


def test_no_metadata_means_a_test_call_with_every_default() -> None:
    assert CallRequest.parse("") == CallRequest()


def test_sip_attributes_fill_what_the_door_left_open() -> None:
    attributes = {
        "sip.trunkPhoneNumber": "+15550100",
        "sip.phoneNumber": "+15550199",
        "sip.callID": "SCL_1",
    }
    inbound = CallRequest(direction="inbound").with_sip(attributes)
    assert (inbound.to, inbound.from_, inbound.call_id) == ("+15550100", "+15550199", "SCL_1")
    outbound = CallRequest(direction="outbound").with_sip(attributes)
    assert (outbound.to, outbound.from_) == ("+15550199", "+15550100")
    named = CallRequest(direction="inbound", to="+1", call_id="mine").with_sip(attributes)
    assert (named.to, named.call_id) == ("+1", "mine")


def test_calls_are_held_up_to_the_limit_even_when_they_come_at_once() -> None:
    held = HeldCalls(limit=2)
    assert held.accept("a", set(), now=0.0)
    assert held.accept("b", set(), now=0.0)
    assert not held.accept("c", set(), now=0.0)
    assert held.load({"a", "b"}, now=1.0) == 1.0


def test_an_accepted_call_that_never_starts_gives_its_place_back() -> None:
    held = HeldCalls(limit=1)
    assert held.accept("a", set(), now=0.0)
    assert not held.accept("b", set(), now=1.0)
    held.started("a")
    assert held.accept("b", set(), now=1.0)


def test_a_short_call_is_held_no_longer_than_it_runs() -> None:
    held = HeldCalls(limit=1)
    assert held.accept("a", set(), now=0.0)
    held.started("a")
    assert held.count({"a"}, now=0.1) == 1
    assert held.count(set(), now=0.2) == 0


def test_the_oldest_call_has_the_age_of_its_acceptance() -> None:
    held = HeldCalls(limit=4)
    held.accept("a", set(), now=5.0)
    held.accept("b", {"a"}, now=50.0)
    held.started("a")
    held.started("b")
    assert held.oldest_age({"a", "b"}, now=65.0) == 60.0
    assert held.oldest_age({"b"}, now=65.0) == 15.0
    assert held.oldest_age(set(), now=100.0) == 0.0


@given(st.lists(st.tuples(st.integers(0, 9), st.booleans()), max_size=40))
def test_no_order_of_arrivals_and_ends_holds_more_than_the_limit(
    steps: list[tuple[int, bool]],
) -> None:
    held, active, now = HeldCalls(limit=3), set[str](), 0.0
    for number, arrives in steps:
        now += 0.5
        if arrives:
            if str(number) not in active and held.accept(str(number), active, now):
                active.add(str(number))
                held.started(str(number))
        else:
            active.discard(str(number))
        assert len(active) <= 3
        assert 0.0 <= held.load(active, now) <= 1.0

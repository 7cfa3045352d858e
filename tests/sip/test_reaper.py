"""Which calls are ended because nobody else will."""

import pytest

from sip.reaper import EVERY, PATIENCE, Reaper, Room, Why


def watch(*rooms: Room, seconds: float, reaper: Reaper | None = None) -> dict[str, Why]:
    """What is doomed at the end of so many seconds in which they stay as they are."""
    reaper = reaper or Reaper(max_age=3600.0)
    doomed: dict[str, Why] = {}
    for step in range(int(seconds / EVERY) + 1):
        doomed = reaper.doomed(rooms, 1000.0 + step * EVERY)
    return doomed


TALK = Room("call-1", 30.0, callers=1, agents=1)
NO_AGENT = Room("call-1", 3.0, callers=1, agents=0)
NO_CALLER = Room("call-1", 3.0, callers=0, agents=1)


def test_a_talk_goes_on() -> None:
    assert watch(TALK, seconds=600.0) == {}


@pytest.mark.parametrize(
    ("room", "why"), [(NO_AGENT, "no agent came"), (NO_CALLER, "the caller is gone")]
)
def test_who_is_alone_for_long_is_let_go(room: Room, why: Why) -> None:
    assert watch(room, seconds=PATIENCE[why] - EVERY) == {}
    assert watch(room, seconds=PATIENCE[why] + EVERY) == {"call-1": why}


def test_a_caller_whose_agent_died_does_not_wait_as_long_as_one_who_had_none() -> None:
    reaper = Reaper(max_age=3600.0)
    watch(TALK, seconds=10.0, reaper=reaper)
    assert PATIENCE["the agent is gone"] < PATIENCE["no agent came"]
    doomed = watch(NO_AGENT, seconds=PATIENCE["the agent is gone"] + EVERY, reaper=reaper)
    assert doomed == {"call-1": "the agent is gone"}


def test_a_caller_whose_agents_process_is_gone_does_not_wait_until_livekit_has_noticed() -> None:
    reaper = Reaper(max_age=3600.0)
    assert reaper.doomed([TALK], 1000.0, {"call-1"}) == {}
    doomed = reaper.doomed([TALK], 1000.0 + EVERY, {"call-1"})
    assert doomed == {"call-1": "the agent's process is gone"}


def test_two_who_were_brought_together_talk_on_without_the_process_that_did_it() -> None:
    reaper = Reaper(max_age=3600.0)
    joined = Room("call-1", 30.0, callers=2, agents=0, joined=True)
    for step in range(5):
        assert reaper.doomed([joined], 1000.0 + step * EVERY, {"call-1"}) == {}


def test_one_who_comes_back_starts_the_wait_anew() -> None:
    reaper = Reaper(max_age=3600.0)
    almost = PATIENCE["the agent is gone"] - EVERY
    watch(TALK, seconds=0.0, reaper=reaper)
    assert watch(NO_AGENT, seconds=almost, reaper=reaper) == {}
    watch(TALK, seconds=0.0, reaper=reaper)
    assert watch(NO_AGENT, seconds=almost, reaper=reaper) == {}


def test_no_call_is_older_than_a_call_may_be() -> None:
    old = Room("call-2", 3601.0, callers=1, agents=1)
    assert watch(TALK, old, seconds=0.0) == {"call-2": "too old"}


def test_a_clock_that_is_put_forward_makes_no_call_old() -> None:
    reaper = Reaper(max_age=3600.0)
    now = 1000.0
    for step in range(1800):
        jumped = 7200.0 if step > 10 else 0.0
        room = Room("call-1", step * EVERY + jumped, callers=1, agents=1)
        assert reaper.doomed([room], now + step * EVERY) == {}
    assert reaper.doomed([TALK], now + 3601.0) == {"call-1": "too old"}


def test_a_browser_without_an_agent_is_let_go_as_a_telephone_is() -> None:
    why: Why = "no agent came"
    room = Room("room-1", 3.0, callers=1, agents=0)
    assert watch(room, seconds=PATIENCE[why] - EVERY) == {}
    assert watch(room, seconds=PATIENCE[why] + EVERY) == {"room-1": why}


def test_rooms_that_are_no_calls_are_left_alone() -> None:
    assert watch(Room("meeting", 99_999.0, callers=1, agents=0), seconds=600.0) == {}


def test_a_room_without_anybody_is_left_to_livekit() -> None:
    assert watch(Room("call-1", 3.0, callers=0, agents=0), seconds=600.0) == {}


TWO = Room("call-1", 60.0, callers=2, agents=0, joined=True)


def test_two_who_were_brought_together_talk_for_as_long_as_they_like() -> None:
    reaper = Reaper(max_age=3600.0)
    watch(TALK, seconds=10.0, reaper=reaper)
    assert watch(TWO, seconds=600.0, reaper=reaper) == {}


@pytest.mark.parametrize("agents", [0, 1])
def test_when_one_of_two_has_left_so_has_the_other(agents: int) -> None:
    left = Room("call-1", 60.0, callers=1, agents=agents, joined=True)
    assert watch(left, seconds=0.0) == {"call-1": "one of two has left"}


def test_two_whom_nobody_has_brought_together_do_not_wait_for_a_dead_agent() -> None:
    reaper = Reaper(max_age=3600.0)
    watch(TALK, seconds=10.0, reaper=reaper)
    apart = Room("call-1", 60.0, callers=2, agents=0)
    doomed = watch(apart, seconds=PATIENCE["the agent is gone"] + EVERY, reaper=reaper)
    assert doomed == {"call-1": "the agent is gone"}


def test_who_listens_in_keeps_no_call_alive() -> None:
    patience = PATIENCE["the caller is gone"] + EVERY
    alone = Room("call-1", 3.0, callers=0, agents=0, listeners=1)
    assert watch(alone, seconds=patience) == {"call-1": "the caller is gone"}
    assert watch(Room("call-1", 3.0, 1, 1, listeners=1), seconds=600.0) == {}
    both = Room("call-1", 3.0, 2, 0, joined=True, listeners=1)
    assert watch(both, seconds=600.0) == {}
    left = Room("call-1", 3.0, 0, 0, joined=True, listeners=1)
    assert watch(left, seconds=EVERY) == {"call-1": "one of two has left"}

"""A caller who puts the agent on hold: no sound of theirs comes, and nothing is said into it."""

import asyncio

from agent.hold import PATIENCE, Hold
from agent.persona import Persona
from agent.persona.policies import MessagePlan
from tests.fakes.talk import talk
from tests.fakes.telephone import FakeTelephone
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(
    name="clerk",
    instructions="Be brief.",
    greeting="Good day.",
    message_plan=MessagePlan(idle_messages=("Hello?",), idle_timeout_seconds=10.0),
)
LONG = 300.0


def test_a_telephone_that_sends_nothing_holds() -> None:
    hold = Hold()
    hold.count(50, 1.0)
    hold.count(50, 1.0 + PATIENCE)
    assert not hold.on(1.0 + PATIENCE)
    assert hold.on(1.1 + PATIENCE)
    hold.count(51, 10.0)
    assert not hold.on(10.0)


def test_without_a_count_there_is_no_hold() -> None:
    hold = Hold()
    assert not hold.on(100.0)
    hold.count(50, 100.0)
    hold.count(None, 101.0)
    assert not hold.on(200.0)


@on_virtual_time
async def test_nobody_on_hold_is_asked_whether_they_are_there() -> None:
    telephone = FakeTelephone()
    async with talk(PERSONA, ["Of course."], telephone=telephone) as call:
        telephone.holds = True
        await asyncio.sleep(LONG)
        assert call.history() == ["Good day."]
        telephone.holds = False
        back = call.now
        await call.until_said("Hello?")
        assert call.now - back >= PERSONA.message_plan.idle_timeout_seconds


@on_virtual_time
async def test_the_talk_goes_on_after_a_hold() -> None:
    telephone = FakeTelephone()
    async with talk(PERSONA, ["Of course."], telephone=telephone) as call:
        telephone.holds = True
        await asyncio.sleep(LONG)
        telephone.holds = False
        await call.caller.speak(1.0, "May I come in?")
        await call.until_said("Of course.")


@on_virtual_time
async def test_the_time_of_a_call_runs_on_hold() -> None:
    limited = PERSONA.model_copy(
        update={"limits": PERSONA.limits.model_copy(update={"max_duration_seconds": 60})}
    )
    telephone = FakeTelephone()
    async with talk(limited, ["Of course."], telephone=telephone) as call:
        telephone.holds = True
        assert await call.ended() == "time is up"

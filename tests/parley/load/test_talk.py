"""One caller of a load, with an agent made of sounds, on a clock that jumps."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence

import pytest
from pydantic import SecretStr

from parley.load.figures import LoadCall
from parley.load.talk import AGAIN, call_until
from sip.simulate.caller import CallFailedError
from sip.simulate.conversation import Turn
from sip.simulate.line import Line
from sip.simulate.script import TurnScript
from sip.simulate.stack import Stack
from tests.fakes.sounding_agent import Agent, exchange
from tests.fakes.virtual_time import on_virtual_time
from tests.sip.sounds import babble, tone

STACK = Stack("", "", SecretStr(""), "", 0, "", SecretStr(""))


class Exchange:
    """Answers each call by the next of `agents`; None does not."""

    def __init__(self, agents: Sequence[Callable[[], Agent] | None]) -> None:
        self._agents = list(agents)
        self.dialled: list[float] = []

    @contextlib.asynccontextmanager
    async def __call__(self, stack: Stack, *, to: str, from_: str) -> AsyncGenerator[Line]:
        line = Line(asyncio.get_running_loop().time())
        self.dialled.append(line.now())
        agent = self._agents.pop(0)
        if agent is None:
            raise CallFailedError("SIP/2.0 486 Busy Here")
        line.answered_at = line.now()
        wire = asyncio.create_task(exchange(line, agent()))
        try:
            yield line
        finally:
            wire.cancel()
            await asyncio.wait({wire})


async def calls(dial: Exchange, *, seconds: float = 60.0, talk: float = 1.0) -> list[LoadCall]:
    turns = [
        Turn(TurnScript(say="a tone"), "a tone", tone(3.0)),
        Turn(TurnScript(say="a tone", barge_in=1.0), "a tone", tone(3.0)),
    ]
    return await call_until(
        STACK,
        to="+15550100",
        from_="+15550190000",
        turns=turns,
        until=asyncio.get_running_loop().time() + seconds,
        talk=talk,
        overheard=None,
        dial=dial,
    )


def patient(replies: int = 50, *, hangs_up: bool = False) -> Agent:
    return Agent([babble(2.0)] * replies, hangs_up=hangs_up)


@on_virtual_time
async def test_a_caller_talks_to_the_end_and_every_reply_is_timed() -> None:
    (call,) = await calls(Exchange([patient]))
    assert not call.broke
    assert 60.0 <= call.connected < 70.0
    assert len(call.report.turns) >= 6
    assert [turn.reply_s for turn in call.report.turns] == pytest.approx(
        [0.6] * len(call.report.turns), abs=0.05
    )
    assert any(turn.barge_in_silence_s is not None for turn in call.report.turns)


@on_virtual_time
async def test_a_caller_talks_no_more_than_they_are_meant_to() -> None:
    (eager,) = await calls(Exchange([patient]))
    (calm,) = await calls(Exchange([patient]), talk=0.2)
    assert eager.talked / eager.connected > 0.35
    assert 0.15 < calm.talked / calm.connected < 0.25


@on_virtual_time
async def test_who_is_hung_up_on_or_not_answered_calls_again() -> None:
    dial = Exchange([lambda: patient(1, hangs_up=True), None, patient])
    broken, refused, whole = await calls(dial)
    assert broken.broke
    assert refused.report.failure == "SIP/2.0 486 Busy Here"
    assert not whole.broke
    assert dial.dialled[2] - dial.dialled[1] == pytest.approx(AGAIN)

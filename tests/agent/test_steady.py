"""A call whose machine's clock is put forward or back goes on as if nothing had been."""

import asyncio
import time
from datetime import UTC, datetime

import pytest

from agent.call import Call
from agent.persona import Persona
from agent.record import CallRecord
from agent.steady import on_steady_time, steady_wall_clock
from ledger.tables import TurnRow
from parley.rehearse.clock import VirtualLoop
from tests.agent.test_call_record import CALLER, INBOUND
from tests.fakes.notebook import Notebook
from tests.fakes.talk import talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")
HOUR = 3600.0


def loop() -> VirtualLoop:
    running = asyncio.get_running_loop()
    assert isinstance(running, VirtualLoop)
    return running


def put_clock(seconds: float) -> None:
    loop().put_wall_clock(seconds)


def machine_time() -> datetime:
    return datetime.fromtimestamp(loop().wall + loop().time(), UTC)


@on_virtual_time
async def test_the_clock_goes_on_from_what_it_is() -> None:
    before = time.time()
    with steady_wall_clock():
        assert time.time() == pytest.approx(before)
        put_clock(HOUR)
        await asyncio.sleep(10.0)
        assert time.time() == pytest.approx(before + 10.0)
    assert time.time() == pytest.approx(before + 10.0 + HOUR)


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_what_is_said_after_it_comes_after_all_else_and_is_answered(seconds: float) -> None:
    async def call_up() -> None:
        async with talk(PERSONA, ["At nine.", "Goodbye."]) as call:
            await call.caller.speak(1.0, "When do you open?")
            await call.until_said("At nine.")
            put_clock(seconds)
            await call.caller.speak(1.0, "Thank you.")
            await call.until_said("Goodbye.")
            assert [said.strip() for said in call.history()] == [
                "Good day.",
                "At nine.",
                "Goodbye.",
            ]
            assert call.history("user") == ["When do you open?", "Thank you."]
            assert call.mind.seen[-1][-1].text_content == "Thank you."

    on_virtual_time(lambda: on_steady_time(call_up()))()


@pytest.mark.parametrize("seconds", [HOUR, -HOUR])
def test_the_record_tells_it_in_order_and_as_long_as_it_was(seconds: float) -> None:
    async def call_up() -> None:
        book, told = Notebook(), Call(id="c1", started_at=0.0)
        record = CallRecord(
            *(told, book),
            room="r",
            key="k",
            seen_by=machine_time,
            cost=lambda lasted, _: lasted / 60,
        )
        async with talk(PERSONA, ["At nine."]) as call:
            record.joined(INBOUND.with_sip(CALLER), "caller", CALLER)
            record.answered()
            record.watch(call.session)
            await call.caller.speak(1.0, "When do you open?")
            await call.until_said("At nine.")
            put_clock(seconds)
            await call.caller.speak(1.0, "And on Sunday?")
            await call.until_said("At nine.", again=True)
            lasted = call.now
            record.end()
        row, turns = book.only_call, book.of(TurnRow)
        assert len(turns) == 4
        assert turns == sorted(turns, key=lambda turn: turn["at"])
        assert row["started_at"] <= turns[0]["at"] <= turns[-1]["at"] <= row["ended_at"]
        assert 0 < row["line_seconds"] < lasted
        assert row["cost"] == pytest.approx(row["line_seconds"] / 60)
        assert row["line_seconds"] < row["usage"]["line_seconds"] < lasted
        put = (row["seen_at"] - row["ended_at"]).total_seconds()
        assert put == pytest.approx(seconds, abs=1.0), "others compare it with their own clocks"

    on_virtual_time(lambda: on_steady_time(call_up()))()

"""Calls that we place: `parley call`, livekit-sip and the agent, to a telephone that tells what it saw."""

import asyncio
import json
import signal
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from livekit import api

from agent.call import Outcome
from sip.outbound.queue import Order, State
from sip.simulate.callee import ANSWERS, BUSY, DECLINES, RINGS, Manner
from tests.e2e.office import OURS, RINGING, THEIRS, Office, office_of
from tests.e2e.switchboard import Switchboard, until
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

UNKNOWN = Manner(404, "Not Found")

QUIET = 0.3
"""Seconds after the answer in which the agent does not speak: the callee's words come first."""
SOON = 60.0


async def told(process: Process) -> tuple[int, dict[str, Any]]:
    async with asyncio.timeout(SOON):
        out, errors = await process.communicate()
    assert process.returncode is not None
    assert errors == b""
    printed: dict[str, Any] = json.loads(out)
    return process.returncode, printed


@pytest.fixture
async def office(parley: Stack, switchboard: Switchboard, tmp_path: Path) -> AsyncIterator[Office]:
    """Without calls when the test begins, and when it has ended."""
    async with office_of(parley, tmp_path) as office:
        yield office
    await switchboard.until_idle()


async def test_who_answers_hears_the_agent(office: Office, switchboard: Switchboard) -> None:
    status, printed = await told(await office.start())
    assert (status, printed["outcome"]) == (0, "answered")
    assert (await switchboard.calls()).rooms == {printed["call_id"]}
    invite = await office.phone.until("INVITE")
    assert (invite.from_, invite.to) == (OURS, THEIRS)
    assert THEIRS.removeprefix("+") not in printed["call_id"]
    line = office.phone.line
    assert line is not None
    async with asyncio.timeout(SOON):
        await line.until(lambda: line.ear.began is not None)
        assert line.ear.began is not None
    assert line.ear.began - line.dialled_at >= QUIET
    assert office.phone.methods() == ["INVITE", "ACK"]


@pytest.mark.parametrize(
    ("manner", "outcome"),
    [(BUSY, Outcome.BUSY), (DECLINES, Outcome.DECLINED), (UNKNOWN, Outcome.FAILED)],
    ids=["busy", "declined", "unknown"],
)
async def test_who_does_not_want_it_is_left_alone(
    office: Office, manner: Manner, outcome: Outcome
) -> None:
    dial = await office.call(manner)
    assert (dial.outcome, dial.sip_code) == (outcome, manner.status)
    assert manner.phrase in (dial.words or "")
    assert office.phone.methods() == ["INVITE", "ACK"]


async def test_who_does_not_answer_is_rung_no_longer_than_the_line_says(office: Office) -> None:
    dial = await office.call(RINGS)
    assert (dial.outcome, dial.words) == (Outcome.NO_ANSWER, f"it rang for {RINGING} s")
    await office.phone.until("CANCEL")


async def test_who_is_busy_is_called_again_from_the_queue(office: Office) -> None:
    office.phone.manner = BUSY
    async with office.dialler() as (queue, dialler):
        order = Order(THEIRS, OURS, "receptionist")
        dial_id = await asyncio.to_thread(queue.add, order, datetime.now(UTC))

        async def answered() -> bool:
            return (await office.dial(queue, dial_id)).outcome is Outcome.ANSWERED

        dialling = asyncio.create_task(dialler.run())
        try:
            async with asyncio.timeout(SOON):
                await office.phone.until("INVITE")
                office.phone.manner = ANSWERS
            await until(answered)
        finally:
            dialling.cancel()
            await asyncio.wait({dialling})
        dial = await office.dial(queue, dial_id)
    assert (dial.state, dial.attempts) == (State.DONE, 2)
    assert office.phone.methods() == ["INVITE", "ACK", "INVITE", "ACK"]


async def test_the_end_of_our_side_is_a_bye(office: Office, parley: Stack) -> None:
    dial = await office.call(ANSWERS)
    async with parley.livekit() as livekit:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=dial.call_id))
    async with asyncio.timeout(SOON):
        assert (await office.phone.until("BYE")).from_ == OURS


async def test_who_hangs_up_ends_the_call(office: Office, switchboard: Switchboard) -> None:
    dial = await office.call(ANSWERS)
    assert dial.outcome is Outcome.ANSWERED
    office.phone.hang_up()
    await switchboard.until_idle()


async def test_a_call_that_is_given_up_stops_ringing(
    office: Office, switchboard: Switchboard
) -> None:
    office.phone.manner = RINGS
    text = office.file.read_text()
    office.file.write_text(text.replace(f"ringing_seconds: {RINGING}", "ringing_seconds: 60"))
    calling = await office.start()
    async with asyncio.timeout(SOON):
        await office.phone.until("INVITE")
    calling.send_signal(signal.SIGINT)
    status, printed = await told(calling)
    assert (status, printed["outcome"]) == (130, "cancelled")
    await office.phone.until("CANCEL")
    await switchboard.until_idle()


async def test_without_a_trunk_nobody_is_rung_and_it_says_what_to_do(office: Office) -> None:
    text = office.file.read_text()
    office.file.write_text(text.replace("name: office", "name: nowhere"))
    dial = await office.call(ANSWERS)
    assert dial.outcome is Outcome.FAILED
    assert "no outbound trunk 'parley nowhere': run `parley sip apply`" in (dial.words or "")
    assert office.phone.methods() == []

"""Transfers over real calls: cold, by an operator's program; warm, to a colleague's telephone."""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
import soxr
import yaml

from agent.clips import SAMPLE_RATE
from agent.music import SHIPPED, load_music
from ledger.calls import Wanted, find_calls, read_call
from ledger.database import open_ledger
from parley.rehearse.command import PERSONAS
from parley.web import KEYS
from sip.simulate.callee import Callee, callee
from sip.simulate.dialog import REFUSES, TAKES
from sip.simulate.handset import Handset, handset
from sip.simulate.hearing import levels, spells
from sip.simulate.line import Line
from sip.simulate.speech import RATE, Samples
from sip.simulate.stack import Stack as Caller
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import PATIENCE, Switchboard, until
from tests.e2e.talk import Talk, likeness, talking
from tests.stack import Stack, parley_up
from web.server.keys import KeyFile, Scope

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

DESK, OFFICE = "+12025550199", "+12025550123"

ALIKE, UNLIKE = 0.5, 0.3
"""Of what is somewhere in a sound, and of what is not."""


@dataclass
class Office:
    """A stack, whose receptionist hands callers over to `desk`, and what is known of its calls."""

    stack: Stack
    caller: Caller
    board: Switchboard
    persona: Path

    def reaches(self, phone: Callee) -> None:
        """By the key 0, from the next call on."""
        tools = [
            {"type": "transfer", "mode": "warm", "transfers": {"desk": address_of(phone)}},
            {"type": "keys", "human": "0", "to": "desk"},
        ]
        persona = yaml.safe_load(self.persona.read_text()) | {"tools": tools}
        self.persona.write_text(yaml.safe_dump(persona))

    def last_call(self) -> dict[str, Any]:
        engine = open_ledger(f"sqlite:///{self.stack.folder / 'ledger.db'}")
        newest, *_ = find_calls(engine, Wanted())
        call = read_call(engine, newest.id)
        engine.dispose()
        assert call is not None
        return call


def address_of(phone: Callee) -> str:
    return f"sip:{DESK}@{phone.address}"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("transfers")
    shutil.copytree(PERSONAS, folder / "personas")
    async with parley_up(folder, AGENT_PERSONAS=str(folder / "personas")) as stack:
        yield stack


@pytest.fixture
async def office(stack: Stack, tmp_path: Path) -> AsyncIterator[Office]:
    line = line_to(stack)
    persona = Path(stack.environment["AGENT_PERSONAS"]) / "receptionist.yaml"
    async with Switchboard.open(stack, line) as board:
        await board.until_idle()
        yield Office(stack, line, board, persona)
        await board.until_idle()


@contextlib.asynccontextmanager
async def operator(stack: Stack) -> AsyncGenerator[aiohttp.ClientSession]:
    """With a key that may act on calls."""
    store = KeyFile(Path(stack.environment["PARLEY_RUN_DIR"]) / KEYS)
    key, sent = store.new(
        "test", frozenset({Scope.CALLS_READ, Scope.CALLS_WRITE}), datetime.now(UTC)
    )
    url = f"http://127.0.0.1:{int(stack.environment['PARLEY_PORT_BASE']) + 24}"
    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {sent}"}) as http:
        yield http
    store.revoke(key.id)


async def transferred(http: aiohttp.ClientSession) -> Any:
    """What came of handing over the only call there is."""

    async def is_up() -> bool:
        async with http.get("/v1/live") as answer:
            return [call["state"] for call in (await answer.json())["calls"]] == ["active"]

    await until(is_up)
    async with http.get("/v1/live") as answer:
        (call,) = (await answer.json())["calls"]
    async with http.post(f"/v1/live/{call['id']}/transfer", json={"to": OFFICE}) as answer:
        assert answer.status == 200, await answer.text()
        return (await answer.json())["result"]


def phone_of(talk: Talk) -> Handset:
    assert isinstance(talk.line, Handset)
    return talk.line


async def test_an_operator_hands_a_caller_over(office: Office) -> None:
    async with operator(office.stack) as http, talking(office.caller, dial=handset) as talk:
        await talk.is_greeted()
        phone_of(talk).dialog.refer = TAKES
        assert await transferred(http) == "transferred"
        assert OFFICE in phone_of(talk).dialog.referred_to


async def test_a_caller_whose_telephone_refuses_an_operators_transfer_is_still_ours(
    office: Office,
) -> None:
    async with operator(office.stack) as http, talking(office.caller, dial=handset) as talk:
        await talk.is_greeted()
        phone_of(talk).dialog.refer = REFUSES
        assert await transferred(http) == "rejected"
        await talk.is_answered()


def chirp(low: float, high: float) -> Samples:
    """A quarter of a second that is found again."""
    at = np.arange(RATE // 4) / RATE
    rise = 2 * (high - low)
    return np.asarray(8000 * np.sin(2 * np.pi * (low + rise * at) * at)).astype(np.int16)


CALLERS, COLLEAGUES = chirp(400, 1200), chirp(2400, 1500)


def music() -> Samples:
    """Its beginning, as a telephone carries it."""
    bars = load_music(SHIPPED)[: 12 * SAMPLE_RATE]
    return np.asarray(soxr.resample(bars, SAMPLE_RATE, RATE)).astype(np.int16)


def has_music(sound: Samples) -> bool:
    """Some piece of it: on a busy machine others have holes."""
    pieces = np.array_split(music(), 24)
    return any(likeness(piece, sound) > ALIKE for piece in pieces)


@contextlib.asynccontextmanager
async def told(office: Office, desk: Callee) -> AsyncGenerator[Talk]:
    """A caller on hold; the desk is being told of the call."""
    office.reaches(desk)
    async with talking(office.caller) as talk:
        await talk.is_greeted()
        asked = talk.line.now()
        await talk.line.press("0")
        async with asyncio.timeout(PATIENCE):
            await desk.until("ACK")
        await at_last(desk_line(desk), lambda sound: bool(spells(levels(sound))))
        await at_last(talk.line, has_music, since=asked)
        yield talk


def desk_line(desk: Callee) -> Line:
    assert desk.line is not None
    return desk.line


def sound_of(line: Line, *, since: float = 0.0) -> Samples:
    """What it has heard."""
    whole: Samples = line.recording(line.now()).agent
    return whole[max(0, round((since - line.dialled_at) * RATE)) :]


async def at_last(line: Line, is_in: Callable[[Samples], bool], *, since: float = 0.0) -> None:
    """Until what was heard since then is such. It is asked now and then, in a thread: to search in
    sound takes longer than a packet lasts."""
    async with asyncio.timeout(PATIENCE):
        while not await asyncio.to_thread(is_in, sound_of(line, since=since)):  # noqa: ASYNC110
            await asyncio.sleep(0.3)


async def has_heard(line: Line, seconds: float) -> None:
    """Speech of that length, and then silence."""

    def is_spoken(sound: Samples) -> bool:
        found = spells(levels(sound))
        quiet = len(sound) / RATE - found[-1].end if found else 0.0
        return quiet > 1.0 and sum(spell.end - spell.start for spell in found) > seconds

    await at_last(line, is_spoken)


async def reaches(speaker: Line, listener: Line, pattern: Samples) -> None:
    """It is said again until it has come without a hole."""
    async with asyncio.timeout(PATIENCE):
        while True:
            since = listener.now()
            await speaker.say(pattern)
            await asyncio.sleep(0.8)
            heard = sound_of(listener, since=since)
            if await asyncio.to_thread(likeness, pattern, heard) > ALIKE:
                return


async def test_a_colleague_who_takes_a_call_talks_with_the_caller_alone(office: Office) -> None:
    async with callee() as desk, told(office, desk) as talk:
        line = desk_line(desk)
        await talk.play(CALLERS)
        await has_heard(line, seconds=3.0)
        assert likeness(music()[: 3 * RATE], sound_of(line)) < UNLIKE
        assert likeness(CALLERS, sound_of(line)) < UNLIKE
        briefing = sound_of(line)[-2 * RATE :]
        assert likeness(briefing, talk.heard()) < UNLIKE
        await desk.press("1")

        async def are_alone() -> bool:
            return (await office.board.calls()).jobs == 0

        await until(are_alone)
        await reaches(line, talk.line, COLLEAGUES)
        await reaches(talk.line, line, CALLERS)
        desk.hang_up()
        await talk.is_hung_up()
    call = office.last_call()
    assert (call["end_reason"], call["outcome"]) == ("transferred", "answered")
    caller, colleague = sorted(call["legs"], key=lambda leg: leg["joined_at"])
    assert colleague["identity"] == "colleague"
    assert colleague["number"].endswith(DESK[-2:])
    assert (caller["left_at"], colleague["left_at"]) == (None, None)


async def test_a_caller_whose_call_is_not_taken_is_talked_to_again(office: Office) -> None:
    async with callee() as desk, told(office, desk) as talk:
        pressed = talk.line.now()
        await desk.press("2")
        async with asyncio.timeout(PATIENCE):
            await desk.until("BYE")
        await talk.until(lambda: talk.said(after=pressed) != "")
        await talk.is_answered()


async def test_when_the_caller_leaves_the_colleague_is_let_go(office: Office) -> None:
    async with callee() as desk:
        async with told(office, desk):
            pass
        async with asyncio.timeout(PATIENCE):
            await desk.until("BYE")
    await office.board.until_idle()
    assert office.last_call()["end_reason"] == "caller hung up"

"""Callers who wait for a place: they hear where they stand, then music, and are answered in turn."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
import soxr
import yaml
from sqlalchemy import select
from sqlalchemy.orm import Session

from agent.clips import SAMPLE_RATE
from agent.music import SHIPPED, load_music
from ledger.database import open_ledger
from ledger.tables import CallRow, EventRow
from sip.simulate.hearing import levels, spells
from sip.simulate.speech import RATE, Samples
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard
from tests.e2e.talk import Talk, likeness, talking
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

SAID = "You are number {position} in the queue."
GREETING = "How can I help you?"
ALIKE = 0.4
"""Of pieces, on average: measured are 0.6 on a machine that is five times too busy, 0.9 for music, and
0.36 at most for other sentences."""
PIECE = 0.25
"""Seconds: a line under load moves longer stretches of sound against each other."""
MUSIC = 2.0
"""Seconds of it that are looked for."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def one_line(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """With a queue before it."""
    folder = tmp_path_factory.mktemp("queue")
    policy = {"max_calls": 1, "when_full": {"do": "queue", "announcement": SAID}}
    file = folder / "sip.yaml"
    file.write_text(yaml.safe_dump({"admission": policy}))
    async with parley_up(folder, PARLEY_SIP_FILE=str(file)) as stack:
        yield stack


async def test_the_second_caller_hears_the_place_and_music_and_is_answered_when_the_first_leaves(
    one_line: Stack,
) -> None:
    up, leave = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with talking(line_to(one_line)) as talk:
            await talk.is_greeted()
            up.set()
            await leave.wait()

    async with asyncio.TaskGroup() as callers:
        callers.create_task(first())
        await up.wait()
        async with talking(line_to(one_line)) as second:
            announced, music = await announcement(one_line), beginning_of_music()
            await heard(second, announced)
            await heard(second, music)
            leave.set()
            await is_taken(second)
    async with Switchboard.open(one_line, line_to(one_line)) as switchboard:
        await switchboard.until_idle()
    assert positions(one_line) == [1]


async def test_who_leaves_the_queue_leaves_the_place_to_the_next(one_line: Stack) -> None:
    up, leave = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with talking(line_to(one_line)) as talk:
            await talk.is_greeted()
            up.set()
            await leave.wait()

    async with asyncio.TaskGroup() as callers:
        callers.create_task(first())
        await up.wait()
        async with talking(line_to(one_line)) as impatient:
            await impatient.agent_speaks()
        async with talking(line_to(one_line)) as patient:
            await patient.agent_speaks()
            leave.set()
            await is_taken(patient)
    async with Switchboard.open(one_line, line_to(one_line)) as switchboard:
        await switchboard.until_idle()


async def is_taken(talk: Talk) -> None:
    """By the persona. In the pause before its greeting nobody listens yet."""
    await talk.hears(GREETING)
    await talk.is_answered()


async def heard(talk: Talk, sound: Samples) -> None:
    """Until the caller has heard it. Looked for once a second: it takes long."""
    looked, found = 0.0, False

    def is_found() -> bool:
        nonlocal looked, found
        if not found and talk.line.now() >= looked + 1.0:
            looked = talk.line.now()
            so_far = talk.heard()
            found = so_far.size > sound.size and bool(np.mean(alike(sound, so_far)) > ALIKE)
        return found

    await talk.until(is_found)


def alike(sound: Samples, heard: Samples) -> list[float]:
    """How well each piece of `sound` is found."""
    size = round(PIECE * RATE)
    pieces = (sound[start : start + size] for start in range(0, sound.size - size + 1, size))
    return [likeness(piece, heard) for piece in pieces if np.ptp(piece)]


async def announcement(stack: Stack) -> Samples:
    """As the engine says it, from its first sound to its last."""
    url = f"http://127.0.0.1:{stack.facts['parts']['csm']['port']}/v1/audio/speech"
    text = SAID.replace("{position}", "1")
    asked = {"model": "csm", "voice": "default", "input": text, "response_format": "pcm"}
    key = {"Authorization": f"Bearer {stack.environment['PARLEY_ENGINE_KEY']}"}
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        answer = await http.post(url, json=asked, headers=key)
        pcm = np.frombuffer(await answer.read(), dtype="<i2")
    narrow = at_telephone_rate(pcm)
    sounds = spells(levels(narrow))
    return narrow[round(sounds[0].start * RATE) : round(sounds[-1].end * RATE)]


def beginning_of_music() -> Samples:
    return at_telephone_rate(load_music(SHIPPED)[: round(MUSIC * SAMPLE_RATE)])


def at_telephone_rate(sound: Samples) -> Samples:
    narrow: Samples = soxr.resample(sound.astype(np.float64), SAMPLE_RATE, RATE).astype(np.int16)
    return narrow


def positions(stack: Stack) -> list[int]:
    """That callers have been told, in order."""
    engine = open_ledger(f"sqlite:///{Path(stack.folder) / 'ledger.db'}")
    wanted = select(EventRow.details).where(EventRow.kind == "queue").order_by(EventRow.at)
    with Session(engine) as session:
        told = [details["position"] for details in session.scalars(wanted)]
        assert not session.scalars(select(CallRow.id).where(CallRow.place != "none")).all()
    engine.dispose()
    return told

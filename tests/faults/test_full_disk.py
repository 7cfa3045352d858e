"""The disk of ledger, recordings and logs is full in a call: it goes on, and once there is room
again nothing is missing."""

import asyncio
import shutil
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
import pytest
import pytest_asyncio
import yaml

from ledger.calls import Wanted, find_calls, read_call
from ledger.database import open_ledger
from parley.probes import http_ok
from parley.rehearse.command import PERSONAS
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard, until
from tests.e2e.talk import ANSWER, QUESTION, talking
from tests.fakes.small_disk import NoDiskError, SmallDisk, small_disk
from tests.stack import Stack, gone, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

MEGABYTES = 48


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    try:
        with small_disk(tmp_path_factory.mktemp("small") / "run", MEGABYTES) as disk:
            yield disk
    except NoDiskError as error:
        pytest.skip(str(error))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(disk: SmallDisk, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Its run folder is that disk; its receptionist's calls are recorded."""
    folder = tmp_path_factory.mktemp("stack")
    personas = folder / "personas"
    shutil.copytree(PERSONAS, personas)
    persona = personas / "receptionist.yaml"
    wanted = yaml.safe_load(persona.read_text()) | {
        "recording_plan": {"enabled": True, "format": "wav"}
    }
    persona.write_text(yaml.safe_dump(wanted))
    settings = {"PARLEY_RUN_DIR": str(disk.folder), "AGENT_PERSONAS": str(personas)}
    async with parley_up(folder, **settings) as stack:
        yield stack


def calls_of(stack: Stack) -> list[dict[str, Any]]:
    """The newest first."""
    engine = open_ledger(f"sqlite:///{stack.folder / 'ledger.db'}")
    try:
        found = [read_call(engine, row.id) for row in find_calls(engine, Wanted())]
        return [call for call in found if call]
    finally:
        engine.dispose()


def sound_of(call: dict[str, Any]) -> float:
    """Seconds of its recording."""
    with wave.open(str(Path(call["recording"]))) as file:
        seconds: float = file.getnframes() / file.getframerate()
    return seconds


async def test_a_full_disk_in_a_call_costs_it_nothing(stack: Stack, disk: SmallDisk) -> None:
    line, parts = line_to(stack), stack.facts["parts"]
    async with talking(line) as talk:
        began = talk.line.now()
        await talk.is_greeted()
        disk.fill()
        try:
            await talk.is_answered()
        finally:
            disk.free()
        asked = talk.line.now()
        await talk.is_answered()
        await talk.agent_speaks(after=asked)
        await talk.agent_is_quiet()
        lasted = talk.line.now() - began
    async with Switchboard.open(stack, line) as switchboard:
        await switchboard.until_idle()

    async def is_recorded() -> bool:
        (call,) = await asyncio.to_thread(calls_of, stack)
        return call["outcome"] is not None and call["recording"] is not None

    await until(is_recorded)
    (call,) = calls_of(stack)
    assert call["outcome"] == "answered"
    assert [turn["text"] for turn in call["turns"] if turn["role"] == "user"] == [QUESTION] * 2
    assert sum(ANSWER in turn["text"] for turn in call["turns"]) == 2
    assert sound_of(call) > 0.8 * lasted
    assert stack.facts["parts"] == parts, "no part has died of it"


async def redis_says(stack: Stack, command: bytes, lines: int) -> bytes:
    """The last of so many lines."""
    port = stack.facts["parts"]["redis"]["port"]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        writer.write(command)
        *_, last = [await reader.readline() for _ in range(lines)]
    return last


async def test_who_calls_meanwhile_is_answered(stack: Stack, disk: SmallDisk) -> None:
    async def keeps(answer: bytes) -> bool:
        await redis_says(stack, b"SET full yes\r\n", 1)  # what it need not write it can do
        return await redis_says(stack, b"CONFIG GET appendonly\r\n", 5) == answer

    disk.fill()
    try:
        await until(lambda: keeps(b"no\r\n"))
        async with talking(line_to(stack)) as talk:
            await talk.is_greeted()
            await talk.is_answered()
    finally:
        disk.free()
    await until(lambda: keeps(b"yes\r\n"))
    assert await redis_says(stack, b"GET full\r\n", 2) == b"yes\r\n"


async def test_a_part_that_dies_meanwhile_is_started_again(stack: Stack, disk: SmallDisk) -> None:
    voice = psutil.Process(stack.pid("csm"))
    ready = http_ok(stack.facts["parts"]["csm"]["port"], "/ready")
    disk.fill()
    try:
        voice.kill()
        await gone(voice)
        await until(ready)
    finally:
        disk.free()

    async def is_told_of() -> bool:
        return stack.pid("csm") != voice.pid

    await until(is_told_of)
    async with talking(line_to(stack)) as talk:
        await talk.is_greeted()
        await talk.is_answered()

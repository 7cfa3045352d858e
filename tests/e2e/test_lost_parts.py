"""An engine or the model is lost in a call: an apology, and then either the talk or a goodbye."""

import contextlib
import os
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Iterator

import pytest
import pytest_asyncio

from agent.clips import FOLDER, Clip
from parley.probes import http_ok
from sip.simulate.speech import Samples, loaded
from sip.simulate.stack import Stack as Line
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard, until
from tests.e2e.talk import QUESTION, Talk, likeness, talking
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

PARTS = ("whisper", "scripted", "csm")
PATIENCE = 10
"""Seconds: longer than a part takes to start again here, and than a test should take."""
ALIKE = 0.3
"""Other words are under it (the two clips are alike by 0.12), and 0.399 has been seen of the same."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def fragile(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """A stack of its own: what is lost here is lost to all calls. Who hangs is left alone."""
    folder = tmp_path_factory.mktemp("fragile")
    patience = {"AGENT_RECOVERY__PATIENCE": str(PATIENCE), "PARLEY_HUNG_AFTER": "600"}
    async with parley_up(folder, **patience) as stack:
        yield stack


@pytest.fixture
async def fragile_line(fragile: Stack) -> AsyncGenerator[Line]:
    """After the test all parts answer again."""
    yield line_to(fragile)
    for part in (*PARTS, "worker"):
        await until(http_ok(fragile.facts["parts"][part]["port"], "/ready"))


def kill(stack: Stack, part: str) -> None:
    os.kill(stack.pid(part), signal.SIGKILL)


@contextlib.contextmanager
def halted(pid: int) -> Iterator[None]:
    """Inside, a process is there and does nothing."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def apologised(talk: Talk, since: float) -> None:
    """By the agent's own account, and at the caller's ear."""
    clip = Clip.load("moment")
    await talk.hears(clip.text, after=since)
    await talk.agent_is_quiet()
    assert likeness(await sound_of("moment"), talk.heard(after=since)) > ALIKE


async def said_goodbye(talk: Talk, since: float) -> None:
    """The same, to its last sound; and then the agent has hung up."""
    clip = Clip.load("goodbye")
    await talk.hears(clip.text, after=since)
    await talk.is_hung_up()
    assert likeness(await sound_of("goodbye"), talk.heard(after=since)) > ALIKE


async def sound_of(clip: str) -> Samples:
    return await loaded(FOLDER / f"{clip}.wav")


async def test_ears_that_die_and_come_back(fragile: Stack, fragile_line: Line) -> None:
    async with talking(fragile_line) as talk:
        await talk.is_greeted()
        kill(fragile, "whisper")
        await apologised(talk, talk.line.now())
        await talk.is_answered()


async def test_a_mind_that_dies_and_comes_back_answers_what_it_was_asked(
    fragile: Stack, fragile_line: Line
) -> None:
    async with talking(fragile_line) as talk:
        await talk.is_greeted()
        asked = talk.line.now()
        await talk.say("please wait a while")
        await talk.until(lambda: talk.understood(after=asked) != "")
        kill(fragile, "scripted")
        await apologised(talk, asked)
        await talk.hears("Here I am again", after=asked)
        await talk.is_answered()


async def test_a_voice_that_dies_in_its_speech_and_comes_back(
    fragile: Stack, fragile_line: Line
) -> None:
    async with talking(fragile_line) as talk:
        await talk.is_greeted()
        asked = await talk.say("tell me a story")
        await talk.hears("A long time ago", after=asked)
        kill(fragile, "csm")
        await apologised(talk, asked)
        await talk.is_answered()


@pytest.mark.parametrize("part", PARTS)
async def test_a_part_that_does_not_come_back_ends_the_call_politely(
    fragile: Stack, fragile_line: Line, part: str
) -> None:
    async with talking(fragile_line) as talk:
        await talk.is_greeted()
        lost = talk.line.now()
        with halted(fragile.process.pid):  # the supervisor, which would start it again
            kill(fragile, part)
            await parts_politely(talk, lost)
    await nothing_is_left(fragile, fragile_line)


async def test_ears_that_hang_end_the_call_politely(fragile: Stack, fragile_line: Line) -> None:
    async with talking(fragile_line) as talk:
        await talk.is_greeted()
        lost = talk.line.now()
        with halted(fragile.pid("whisper")):
            await parts_politely(talk, lost)
    await nothing_is_left(fragile, fragile_line)


async def parts_politely(talk: Talk, lost: float) -> None:
    await talk.say(QUESTION)
    await apologised(talk, lost)
    await said_goodbye(talk, lost)


async def nothing_is_left(stack: Stack, line: Line) -> None:
    async with Switchboard.open(stack, line) as switchboard:
        await switchboard.until_idle()

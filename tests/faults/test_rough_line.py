"""Calls and engines behind a line that delays, overtakes and loses packets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from livekit.agents import APIConnectOptions
from livekit.plugins import csm_tts, whisper_stt

from ledger.calls import Wanted, find_calls, read_call
from ledger.database import open_ledger
from sip.simulate.conversation import SETTLED
from sip.simulate.handset import handset
from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, spoken
from tests.conformance.stt import Spoken, push, rest, said, watch
from tests.conformance.tts import Heard, listen
from tests.e2e.switchboard import Switchboard
from tests.e2e.talk import ANSWER, QUESTION, Talk, talking
from tests.fakes.rough_network import NoNetworkError, RoughNetwork, rough_network
from tests.fakes.rough_way import Roughness
from tests.faults.bridge import bridge_at
from tests.faults.engine import KEY, far_engine
from tests.serving.process import engine_process, free_port
from tests.stack import Stack, parley_up

FAR = Roughness(delay=0.2, jitter=0.03, loss=0.02)
"""Each way: a caller on another continent, by radio."""

LOSSY = Roughness(loss=0.05)

GOODBYE = "that is all goodbye"

TRIES, PATIENCE = 4, 15.0
"""Times that something is said, and seconds that an answer is waited for."""

FAR_AND_LOSSY = Roughness(delay=0.1, loss=0.05)
"""Each way, 200 ms there and back: TCP sends again what is lost."""


@asynccontextmanager
async def network(roughness: Roughness) -> AsyncIterator[RoughNetwork]:
    try:
        async with rough_network(roughness) as found:
            yield found
    except NoNetworkError as error:
        pytest.skip(str(error))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with parley_up(tmp_path_factory.mktemp("rough")) as stack:
        yield stack


@asynccontextmanager
async def calling(stack: Stack, roughness: Roughness, logs: Path) -> AsyncIterator[Talk]:
    """A telephone behind such a line."""
    async with network(roughness) as rough, bridge_at(rough.near, stack, logs) as line:
        async with talking(line, dial=partial(handset, sockets=rough.datagrams)) as talk:
            yield talk
        async with Switchboard.open(stack, line) as switchboard:
            await switchboard.until_idle()


def last_call(stack: Stack) -> dict[str, Any]:
    engine = open_ledger(f"sqlite:///{stack.folder / 'ledger.db'}")
    try:
        newest, *_ = find_calls(engine, Wanted())
        call = read_call(engine, newest.id)
    finally:
        engine.dispose()
    assert call is not None
    return call


async def asked_until(talk: Talk, words: str, fact: Callable[[], bool]) -> None:
    """As a caller does who was not understood: once more, and once more."""
    for _ in range(TRIES):
        await talk.until(lambda: fact() or talk.line.ear.quiet_for(talk.line.now()) >= SETTLED)
        await talk.say(words)
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await talk.line.until(fact)
        if fact():
            return
    raise AssertionError(f"{words!r} was not understood; the agent said {talk.said()!r}")


@pytest.mark.e2e
@pytest.mark.timeout(200)
@pytest.mark.parametrize("roughness", [FAR, LOSSY], ids=["far", "lossy"])
async def test_a_caller_is_answered_and_a_goodbye_ends_the_call_with_a_record(
    stack: Stack, roughness: Roughness, tmp_path: Path
) -> None:
    async with calling(stack, roughness, tmp_path) as talk:
        await talk.is_greeted()
        await asked_until(talk, QUESTION, lambda: ANSWER in talk.said())
        await asked_until(talk, GOODBYE, lambda: talk.line.hung_up)
    call = last_call(stack)
    assert call["outcome"] == "answered"
    assert any(ANSWER in turn["text"] for turn in call["turns"])


TEXT = "Good morning. We are open from nine until five."
PATIENT = APIConnectOptions(max_retry=3, timeout=20.0)


async def spoken_by(url: str) -> Heard:
    async with aiohttp.ClientSession() as http:
        voice = csm_tts.TTS(url, key=KEY, http_session=http)
        try:
            return await listen(voice, TEXT, options=PATIENT)
        finally:
            await voice.aclose()


@pytest.mark.engine
@pytest.mark.timeout(150)
async def test_a_sentence_is_spoken_whole_over_it() -> None:
    async with network(FAR_AND_LOSSY) as rough, far_engine(rough, "csm_engine") as url:
        heard = await spoken_by(url)
    port = free_port()
    own = {"CSM_LISTEN__PORT": str(port), "CSM_LISTEN__KEY": KEY}
    async with engine_process("csm_engine", port, **own):
        near = await spoken_by(f"http://127.0.0.1:{port}")
    assert heard.pcm == near.pcm
    assert not heard.errors


@pytest.mark.engine
@pytest.mark.timeout(150)
async def test_a_question_is_heard_right_over_it(tmp_path: Path) -> None:
    phrases = tmp_path / "phrases.txt"
    phrases.write_text("what are your opening hours\nwhat is your address\n")
    question = Spoken((await spoken(QUESTION, VOICE)).tobytes(), RATE, QUESTION)
    async with network(FAR_AND_LOSSY) as rough:
        engine = far_engine(rough, "whisper_engine", WHISPER_PHRASES=str(phrases))
        async with engine as url, aiohttp.ClientSession() as http:
            ears = whisper_stt.STT(url, key=KEY, http_session=http)
            reported = watch(ears)
            async with ears.stream(conn_options=PATIENT) as stream:
                push(stream, question.then_silence())
                stream.flush()
                stream.end_input()
                events = await rest(stream)
            await ears.aclose()
    assert said(events) == QUESTION
    assert not reported.errors

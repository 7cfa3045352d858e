"""A mailbox takes our call: the message is left after its beep, whole, and the call says so."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import pytest_asyncio
import soxr

from agent.call import CallRequest, Outcome
from agent.persona import filled, load_persona
from ledger.calls import Wanted, find_calls, read_call
from ledger.database import open_ledger
from parley.settings import ROOT
from sip.simulate.callee import Callee, Manner
from sip.simulate.hearing import SPEECH, levels, spells
from sip.simulate.line import Line
from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, Samples, spoken
from tests.e2e.conftest import line_to
from tests.e2e.office import office_of
from tests.e2e.switchboard import Switchboard
from tests.e2e.talk import likeness
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

GREETING = "You have reached the voicemail of Anna Smith. Please leave a message after the tone."
PAUSE, BEEP, HERTZ = 0.6, 0.4, 1000
EAGER = 0.4
"""Seconds after the beep in which nobody may speak: the machine has only begun to record."""
PIECE = RATE // 4
ALIKE = 0.5
SOON = 60.0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Whose mind knows mailboxes by their words."""
    folder = tmp_path_factory.mktemp("mailbox")
    async with parley_up(folder, AGENT_LLM__MODEL="scripted-reminder") as stack:
        yield stack


async def mailbox() -> tuple[Samples, float]:
    """What it says, and the seconds at which its beep is over."""
    words = await spoken(GREETING, VOICE)
    at = np.arange(round(BEEP * RATE)) / RATE
    beep = (8000 * np.sin(2 * np.pi * HERTZ * at)).astype(np.int16)
    whole = np.concatenate([words, np.zeros(round(PAUSE * RATE), np.int16), beep])
    return whole, len(whole) / RATE


async def said(stack: Stack, sentence: str) -> Samples:
    """By the voice, as a telephone carries it."""
    url = f"http://127.0.0.1:{stack.facts['parts']['csm']['port']}/v1/audio/speech"
    asked = {"model": "csm", "voice": "default", "input": sentence, "response_format": "pcm"}
    key = {"Authorization": f"Bearer {stack.environment['PARLEY_ENGINE_KEY']}"}
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        answer = await http.post(url, json=asked, headers=key)
        pcm = np.frombuffer(await answer.read(), dtype="<i2")
    narrow: Samples = soxr.resample(pcm.astype(np.float64), 24_000, RATE).astype(np.int16)
    return narrow


def is_in(sentence: Samples, heard: Samples) -> bool:
    """Enough of its pieces are: on a busy machine some have holes."""
    loud = [
        piece for piece in np.split(sentence, range(PIECE, len(sentence), PIECE)) if loud_in(piece)
    ]
    found = sum(likeness(piece, heard) > ALIKE for piece in loud)
    return found > len(loud) / 3


def loud_in(piece: Samples) -> bool:
    return len(piece) == PIECE and bool((levels(piece) > SPEECH).mean() > 0.8)


def length(sound: Samples) -> float:
    """Seconds from its first word to its last."""
    found = spells(levels(sound))
    return found[-1].end - found[0].start


async def recorded(phone: Callee) -> tuple[Line, Samples]:
    """The machine's line, and all that it heard until it was hung up."""
    async with asyncio.timeout(SOON):
        await phone.until("BYE")
    assert phone.line is not None
    return phone.line, phone.line.recording(phone.line.now()).agent


async def test_the_message_is_left_after_the_beep_and_whole(stack: Stack, tmp_path: Path) -> None:
    says, beeped = await mailbox()
    async with (
        Switchboard.open(stack, line_to(stack)) as board,
        office_of(stack, tmp_path, "reminder") as office,
    ):
        dial = await office.call(Manner(says=says))
        assert dial.outcome is Outcome.ANSWERED, dial.words
        line, heard = await recorded(office.phone)
        await board.until_idle()
    assert line.ear.began is not None
    assert line.ear.began - line.dialled_at > beeped + EAGER
    persona = load_persona(ROOT / "personas", "reminder")
    message = filled(persona, CallRequest(), datetime.now(UTC)).outbound.voicemail_message
    assert message is not None
    sentences = [await said(stack, f"{each}.") for each in message.rstrip(".").split(". ")]
    assert is_in(sentences[0], heard)
    assert is_in(sentences[-1], heard)
    assert length(heard) > sum(map(length, sentences))
    engine = open_ledger(f"sqlite:///{stack.folder / 'ledger.db'}")
    newest, *_ = find_calls(engine, Wanted())
    call = read_call(engine, newest.id, numbers=True)
    engine.dispose()
    assert call is not None
    assert (dial.call_id, call["outcome"]) == (call["room"], "machine")
    assert [turn["text"] for turn in call["turns"] if turn["role"] == "assistant"] == [message]

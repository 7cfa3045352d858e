"""The beginning of a call: neither side's first sound is lost."""

import aiohttp
import numpy as np
import pytest
import soxr

from agent.persona import load_persona
from parley.settings import ROOT
from sip.simulate.caller import Dial, call
from sip.simulate.hearing import levels, spells
from sip.simulate.measure import gaps
from sip.simulate.phone import phone_call
from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, Samples, spoken
from sip.simulate.stack import Stack as Line
from tests.e2e.talk import ANSWER, QUESTION, talking
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(60)]

BEGINNING = 0.3
NOTICED = 0.02
"""Seconds: half as much again is the shortest hole that is surely found."""
EARLIER = 0.5
"""Seconds by which the sound sent is placed before the sound heard: more than may be lost."""


async def test_the_greeting_arrives_from_its_first_sound_on(parley: Stack, line: Line) -> None:
    greeting = await first_sentence(parley)
    async with talking(line, dial=phone_call) as talk:
        await talk.is_greeted()
        heard = talk.heard()
    onset = spells(levels(heard))[0].start
    sent = placed(greeting, onset - EARLIER, heard.size)
    holes = gaps(sent, heard, least=NOTICED)
    assert [hole for hole in holes if hole.start < onset + BEGINNING] == []


@pytest.mark.parametrize("dial", [call, phone_call], ids=["bridge", "telephone"])
async def test_a_caller_who_speaks_at_the_answer_is_heard_from_the_first_word_on(
    line: Line, dial: Dial
) -> None:
    question = await spoken(QUESTION, VOICE)
    async with talking(line, dial=dial) as talk:
        await talk.play(question)
        await talk.hears(ANSWER)
        # The rehearsal's ears may take what the telephone sends before it for a word.
        assert QUESTION in talk.understood()


async def first_sentence(stack: Stack) -> Samples:
    """As the engine makes it, trimmed to its first sound."""
    greeting = load_persona(ROOT / "personas", "receptionist").greeting
    url = f"http://127.0.0.1:{stack.facts['parts']['csm']['port']}/v1/audio/speech"
    asked = {
        "model": "csm",
        "voice": "default",
        "input": greeting[: greeting.index(".") + 1],
        "response_format": "pcm",
    }
    key = {"Authorization": f"Bearer {stack.environment['PARLEY_ENGINE_KEY']}"}
    async with aiohttp.ClientSession(raise_for_status=True) as http:
        answer = await http.post(url, json=asked, headers=key)
        pcm = np.frombuffer(await answer.read(), dtype="<i2")
    narrow: Samples = soxr.resample(pcm.astype(np.float64), 24_000, RATE).astype(np.int16)
    return narrow[round(spells(levels(narrow))[0].start * RATE) :]


def placed(sound: Samples, at: float, size: int) -> Samples:
    """`sound` at `at` seconds of `size` samples of silence."""
    whole = np.zeros(size, dtype=np.int16)
    first = round(at * RATE)
    whole[first : first + sound.size] = sound[: size - first]
    return whole

"""The agent's own voice comes back over the line, 25 dB weaker: it neither stops it nor makes a turn.

The ears are real: PocketSphinx, and Whisper with weights that hear a request in every sound.
"""

from itertools import pairwise
from math import inf
from pathlib import Path

import pytest

from sip.simulate.hearing import levels
from sip.simulate.measure import agent_loud
from sip.simulate.stack import Stack as Line
from tests.e2e.conftest import line_to
from tests.e2e.talk import talking
from tests.stack import parley_up
from whisper_engine.synthetic import write_scripted

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

ASKED = "tell me a story"
LISTENED = 5.0
HOLE = 0.6
"""Seconds of silence that the agent's sentences do not have: it was stopped."""


@pytest.mark.parametrize("delay", [0.12, 0.3])
async def test_an_echo_is_nobody_s_speech(line: Line, delay: float) -> None:
    await tell_with_echo(line, delay)


async def test_whisper_that_hears_words_in_every_sound_hears_none_in_an_echo(
    tmp_path: Path,
) -> None:
    model = tmp_path / "base.en"
    write_scripted(model, ASKED, multilingual=False, listens=False, token_seconds=0.3)
    settings = {
        "WHISPER_MODEL": str(model),
        "WHISPER_COMPUTE_TYPE": "float32",
        "OMP_NUM_THREADS": "1",
    }
    async with parley_up(tmp_path, **settings) as stack:
        await tell_with_echo(line_to(stack), 0.3)


async def tell_with_echo(line: Line, delay: float) -> None:
    async with talking(line) as talk:
        talk.line.echo_delay, talk.line.echoes_until = delay, inf
        await talk.is_greeted()
        asked = await talk.say(ASKED)
        await talk.agent_speaks(after=asked)
        began = talk.line.ear.began
        assert began is not None
        await talk.until(lambda: talk.line.now() >= began + LISTENED)
        [turn] = talk.overheard.heard
        assert turn.text.startswith(ASKED), talk.said()  # PocketSphinx may add a word in the end
        spoken = agent_loud(levels(talk.heard(after=began)))
        holes = [then.start - spell.end for spell, then in pairwise(spoken)]
        assert [hole for hole in holes if hole > HOLE] == [], talk.said()

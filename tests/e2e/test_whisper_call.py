"""A call that is heard by Whisper: CTranslate2, its decoder and its batches are real, its weights say
what a caller says who asks for the opening hours."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from sip.simulate.report import Report
from sip.simulate.run import simulate
from sip.simulate.script import TurnScript
from tests.e2e.conftest import line_to
from tests.stack import Stack, parley_up
from whisper_engine.synthetic import write_scripted

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SAID = "what are your opening hours"
QUESTION = Path(__file__).parent.parent / "data" / "audio" / "weather_question.wav"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("whisper")
    model = folder / "base.en"
    write_scripted(model, SAID, multilingual=False, token_seconds=0.2)
    settings = {"WHISPER_MODEL": str(model), "WHISPER_COMPUTE_TYPE": "float32"}
    async with parley_up(folder, **settings) as stack:
        yield stack


async def test_a_caller_is_heard_and_answered(stack: Stack) -> None:
    turns = [
        TurnScript(say=SAID, contains=("nine", "six")),
        TurnScript(play=QUESTION, contains=("nine", "six")),
    ]
    done = await simulate(line_to(stack), to="+15550100", turns=turns)
    report = Report.of([each.report for each in done])
    assert report.problems == (), report.table()


def test_it_says_which_model_hears(stack: Stack) -> None:
    assert "base.en" in stack.said()

"""What is made of a call when it is over, by a model that may answer anything."""

import pytest
from livekit.agents import llm

from agent.analysis import Analysis, analyse, transcript
from agent.persona.analysis import AnalysisPlan
from tests.fakes.models import FakeMind, Reply
from tests.fakes.virtual_time import on_virtual_time

TALK = "Agent: Good day.\nCaller: I am Ada, table for four at seven."

DATA = AnalysisPlan.model_validate(
    {
        "structured_data": {
            "properties": {"name": {"type": "string"}, "guests": {"type": "integer"}},
            "required": ("guests",),
        }
    }
)


def mind(*answers: str | Reply) -> FakeMind:
    left = [each if isinstance(each, Reply) else Reply(each) for each in answers]
    return FakeMind(lambda _: left.pop(0))


@on_virtual_time
async def test_a_summary_is_what_the_model_says() -> None:
    asked = mind(" Ada wants a table. \n")
    assert await analyse(asked, TALK, AnalysisPlan(summary=True)) == Analysis("Ada wants a table.")
    ((system, user),) = asked.seen
    assert (system.role, user.role) == ("system", "user")
    assert user.text_content == TALK


@pytest.mark.parametrize(
    "answer", ['{"name": "Ada", "guests": 4}', 'Sure!\n```json\n{"name": "Ada", "guests": 4}\n```']
)
def test_data_are_taken_from_whatever_stands_around_them(answer: str) -> None:
    @on_virtual_time
    async def ask() -> None:
        assert await analyse(mind(answer), TALK, DATA) == Analysis(
            data={"name": "Ada", "guests": 4}
        )

    ask()


@on_virtual_time
async def test_an_answer_that_does_not_fit_is_asked_for_once_more_with_what_was_wrong() -> None:
    asked = mind('{"guests": "four"}', '{"guests": 4}')
    assert await analyse(asked, TALK, DATA) == Analysis(data={"guests": 4})
    assert "guests: Input should be a valid integer" in (asked.seen[1][0].text_content or "")


@pytest.mark.parametrize("answer", ["I cannot.", "{", '{"guests": 4, "mood": "fine"}', "{}"])
def test_what_never_fits_is_not_kept(answer: str) -> None:
    @on_virtual_time
    async def ask() -> None:
        assert await analyse(mind(answer, answer), TALK, DATA) == Analysis()

    ask()


@on_virtual_time
async def test_a_model_that_is_away_costs_the_analysis_alone() -> None:
    fails = [Reply(fails=True)] * 8
    plan = AnalysisPlan(summary=True)
    assert await analyse(mind(*fails), TALK, plan) == Analysis()
    assert await analyse(mind(Reply("late", after=60.0)), TALK, plan) == Analysis()


@on_virtual_time
async def test_nobody_is_asked_about_a_call_without_words() -> None:
    assert await analyse(mind(), "", AnalysisPlan(summary=True)) == Analysis()


def test_a_transcript_is_the_messages_of_both() -> None:
    history = llm.ChatContext.empty()
    history.add_message(role="system", content="Be brief.")
    history.add_message(role="assistant", content="Good day.")
    history.add_message(role="user", content="Hello.")
    assert transcript(history.items) == "Agent: Good day.\nCaller: Hello."

"""What of a scenario a real call can do, what its stack is told, and what is made of its record."""

from datetime import date
from pathlib import Path

import pytest
from openai import AsyncOpenAI, InternalServerError
from openai.types.chat import ChatCompletionMessageParam

from agent.persona import load_persona
from agent.yaml_file import BadFileError
from parley.rehearse.command import PERSONAS, SUITE
from parley.rehearse.over_sip import ALLOWED, result_of
from parley.rehearse.record import Heard, Record, Spell, Taken, ToolUse
from parley.rehearse.scenario import Scenario, load_all
from parley.rehearse.sip_call import Played
from parley.rehearse.sip_mind import Minds
from parley.rehearse.sip_plan import Plan, planned
from sip.simulate.timeline import Recording
from tests.sip.sounds import babble

HELLO: dict[str, object] = {"say": "hello"}


def scenario(*turns: dict[str, object], **more: object) -> Scenario:
    base = {"name": "s", "goal": "g", "plays": "receptionist", "checks": [{"contains": ["a"]}]}
    return Scenario.model_validate({**base, "turns": turns or (HELLO,), **more})


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        (scenario({"say": "well", "trails_off": True}), "turn 1: trails_off"),
        (scenario(HELLO, **{"with": {"language": "de"}}), "speak English, not de"),
        (scenario(HELLO, transfer="busy"), "REFER"),
        (scenario(HELLO, checks=[{"transferred_to": "+15550142"}]), "REFER"),
        (scenario(HELLO, away=[{"part": "ears", "after": 1, "seconds": 1}]), "the ears cannot"),
        (scenario(HELLO, direction="outbound"), "the agent places"),
        (scenario(HELLO, needs="a moon"), "needs a moon"),
    ],
)
def test_what_a_real_call_cannot_do_is_skipped_and_says_why(
    tmp_path: Path, wanted: Scenario, why: str
) -> None:
    plan = planned([wanted], PERSONAS, tmp_path)
    assert plan.parts == {}
    assert why in plan.skipped["s"]


@pytest.mark.parametrize(
    "wanted",
    [
        scenario(HELLO, {"backchannel": "mm", "after": 1.0}, {"silence": 2.0}, {"noise": 0.3}),
        scenario({"interrupt": "stop", "at_word": "dental"}, {"dtmf": "12#"}),
        scenario(HELLO, {"echo": 3, "after": 1.0}, noise_bed={"every": 2, "seconds": 0.2}),
        scenario(HELLO, away=[{"part": "mind", "after": 1, "seconds": 1}], transfer="refused"),
    ],
)
def test_whatever_sounds_can_be_called(tmp_path: Path, wanted: Scenario) -> None:
    assert list(planned([wanted], PERSONAS, tmp_path).parts) == ["s"]


def test_most_of_the_suite_can_be_called(tmp_path: Path) -> None:
    suite = load_all([SUITE])
    plan = planned(suite, PERSONAS, tmp_path)
    assert len(plan.parts) + len(plan.skipped) == len(suite)
    assert len(plan.parts) >= 40
    assert len({part.number for part in plan.parts.values()}) == len(plan.parts)


def test_each_scenario_has_a_persona_of_its_own_with_its_own_mind(tmp_path: Path) -> None:
    changed = scenario(HELLO, **{"with": {"greeting": "Hi.", "limits": {"max_turn_words": 9}}})
    plan = planned([scenario(HELLO, name="plain"), changed], PERSONAS, tmp_path)
    plain, other = (
        load_persona(plan.personas, plan.parts[name].persona, {}) for name in ("plain", "s")
    )
    assert plain.greeting.startswith("Harbor Dental")
    assert (other.greeting, other.limits.max_turn_words) == ("Hi.", 9)
    assert (plain.model, other.model) == (plan.parts["plain"].model, plan.parts["s"].model)
    assert plain.model != other.model


def test_a_real_model_is_asked_where_the_scenario_says(tmp_path: Path) -> None:
    real = scenario(HELLO, plays=None, model={"url": "http://127.0.0.1:9/v1", "model": "m"})
    plan = planned([real], PERSONAS, tmp_path)
    [mind] = load_persona(plan.personas, plan.parts["s"].persona, {}).minds
    assert (mind.url, mind.model) == ("http://127.0.0.1:9/v1", "m")


def test_rehearsal_ears_are_told_what_callers_and_scripts_say(tmp_path: Path) -> None:
    plan = planned([scenario({"say": "Do you sell HORSES?"})], PERSONAS, tmp_path)
    known = plan.phrases.read_text().splitlines()
    assert {"do you sell horses", "what is your address"} <= set(known)


def test_two_texts_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = (scenario(HELLO, name=name, files={"documents/a.md": name}) for name in ("x", "y"))
    with pytest.raises(BadFileError, match="y: files: another has a different"):
        planned([one, two], PERSONAS, tmp_path)


def test_a_persona_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFileError, match="nobody"):
        planned([scenario(HELLO, persona="nobody")], PERSONAS, tmp_path)


def answered(record: Record) -> Played:
    return Played(record, Recording(0.0, babble(0.1), babble(0.1)))


def called(**more: object) -> Record:
    record = Record(seconds=20.0, ended="caller hung up", **more)  # type: ignore[arg-type]
    record.heard = [Heard(1.0, "Good"), Heard(1.3, "day."), Heard(6.0, "At"), Heard(6.2, "nine.")]
    record.sound = [Spell(0.8, 1.6), Spell(5.9, 6.6)]
    record.taken = [Taken(1, "when", 4.0, 4.9, asks=True)]
    return record


@pytest.mark.parametrize(
    ("check", "status"),
    [
        ({"contains": ["nine"], "reply": 1}, "passed"),
        ({"contains": ["good day"], "reply": 1}, "failed"),
        ({"within": 0.5, "reply": 1}, "passed"),  # 1.0 s it took, and 1.0 s is allowed
        ({"never_silent": 13.0}, "passed"),
        ({"never_silent": 12.0}, "failed"),
        ({"tool_called": "book", "arguments": {"day": "monday"}}, "passed"),
        ({"ends_with": "silence"}, "failed"),
        ({"judge": "Was it kind?"}, "skipped"),
    ],
)
def test_checks_are_made_of_both_ends_of_the_call(check: dict[str, object], status: str) -> None:
    played = answered(called(tools=[ToolUse("book", {"day": "monday"})]))
    result = result_of(scenario(HELLO, checks=[check]), played)
    assert [each.status for each in result.checks] == [status]


def test_a_timed_check_says_how_long_it_was_given() -> None:
    result = result_of(scenario(HELLO, checks=[{"within": 0.5, "reply": 1}]), answered(called()))
    assert str(0.5 + ALLOWED) in result.checks[0].check


def test_a_model_that_is_not_ours_is_not_asked_what_it_was_told() -> None:
    real = scenario(
        HELLO,
        plays=None,
        model={"url": "http://127.0.0.1:9/v1", "model": "m"},
        checks=[{"never_told": "secret"}, {"contains": ["nine"]}],
    )
    result = result_of(real, answered(called()))
    assert [each.status for each in result.checks] == ["skipped", "passed"]


def test_a_caller_who_is_silent_on_purpose_is_no_silence_of_the_agents() -> None:
    wanted = scenario(HELLO, {"silence": 9.0}, checks=[{"never_silent": 4.0}])
    result = result_of(wanted, answered(called()))
    assert [each.status for each in result.checks] == ["skipped"]


def test_a_call_that_nobody_answers_has_failed() -> None:
    result = result_of(scenario(HELLO), Played(Record(error="SIP 503")))
    assert result.status == "failed"
    assert result.why == "the call: SIP 503"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return planned([scenario(HELLO)], PERSONAS, tmp_path)


ASKED: list[ChatCompletionMessageParam] = [
    {"role": "system", "content": "You are a clerk."},
    {"role": "user", "content": "(the call is connected)"},
    {"role": "assistant", "content": "Good day."},
    {"role": "user", "content": "what is your address"},
]


async def test_the_mind_answers_by_the_script_and_notes_what_it_was_sent(plan: Plan) -> None:
    part = plan.parts["s"]
    assert part.script is not None
    minds = Minds({part.model: part.script})
    async with minds.serving():
        notes = minds.afresh(part.model)
        async with AsyncOpenAI(base_url=minds.url, api_key=minds.key.get_secret_value()) as asking:
            answer = await asking.chat.completions.create(model=part.model, messages=ASKED)
    assert "Water Street" in (answer.choices[0].message.content or "")
    [asked] = notes.asked
    assert "user: what is your address" in asked.prompt.splitlines()
    assert asked.said == ("Good day.",)


async def test_a_mind_that_is_away_fails_and_still_notes(plan: Plan) -> None:
    part = plan.parts["s"]
    assert part.script is not None
    minds = Minds({part.model: part.script})
    async with minds.serving():
        notes = minds.afresh(part.model)
        notes.away.append((0.0, float("inf")))
        key = minds.key.get_secret_value()
        async with AsyncOpenAI(base_url=minds.url, api_key=key, max_retries=0) as asking:
            with pytest.raises(InternalServerError):
                await asking.chat.completions.create(model=part.model, messages=ASKED)
    assert len(notes.asked) == 1


def test_the_date_in_a_calls_arguments_is_a_date(tmp_path: Path) -> None:
    script = {
        "entries": [
            {
                "name": "free",
                "hears": ["when"],
                "says": "See.",
                "call": {"name": "find", "arguments": {"day": "{tomorrow}"}, "then": "Ten."},
            }
        ]
    }
    wanted = scenario(HELLO, plays=None, script=script)
    made = planned([wanted], PERSONAS, tmp_path).parts["s"].script
    assert made is not None
    [entry] = made.entries
    assert entry.call is not None
    date.fromisoformat(entry.call.arguments["day"])

"""The smoke call leaves nothing at Twilio, whatever goes wrong in between."""

import json
from pathlib import Path

import pytest

from sip.line import Line
from tests.sip.twilio.lines import NUMBER, SECRETS, line, side
from tests.sip.twilio.mock import Fault, MockTwilio
from tools.smoke_twilio import FROM, Place, SmokeError, Told, line_for, run, smoke

SPARE = "+15550100009"


def account() -> MockTwilio:
    twilio = MockTwilio()
    twilio.owns(NUMBER)
    twilio.owns(SPARE)
    return twilio


def objects(twilio: MockTwilio) -> list[str]:
    """All but numbers, which keep the method of a URL that they had for a while."""
    return [each for each in twilio.picture() if SPARE not in each and NUMBER not in each]


def call(error: SmokeError | None = None) -> Place:
    async def place() -> None:
        if error:
            raise error

    return place


def wanted() -> Line:
    return line_for(line(), SPARE, "0badcafe")


async def test_a_good_call_is_told_and_leaves_nothing() -> None:
    twilio, said = account(), list[str]()
    assert await smoke([side(wanted(), twilio)], call(), Told(said.append))
    assert "the agent answered" in said
    assert any("smoke-0badcafe" in each for each in said)
    assert objects(twilio) == objects(account())


async def test_a_call_that_fails_leaves_nothing() -> None:
    twilio, said = account(), list[str]()
    place = call(SmokeError("the call was not answered: busy"))
    assert not await smoke([side(wanted(), twilio)], place, Told(said.append))
    assert "failed: the call was not answered: busy" in said
    assert objects(twilio) == objects(account())


@pytest.mark.parametrize("step", range(5))
async def test_a_trunk_that_is_half_made_is_removed(step: int) -> None:
    twilio, said = account(), list[str]()
    twilio.on_change = {step: Fault(500, 20500)}
    assert not await smoke([side(wanted(), twilio)], call(), Told(said.append))
    assert any(each.startswith("failed: ") for each in said)
    assert objects(twilio) == objects(account())


def test_the_line_is_that_of_sip_yaml_under_names_of_its_own() -> None:
    made = wanted()
    assert (made.name, made.domain) == ("smoke-0badcafe", "parley-smoke-0badcafe")
    assert [each.number for each in made.numbers] == [SPARE]
    assert made.public_host == line().public_host
    with pytest.raises(SmokeError, match=r"is a number of sip\.yaml's"):
        line_for(line(), NUMBER, "0badcafe")
    with pytest.raises(SmokeError, match="TWILIO_SMOKE_NUMBER"):
        line_for(line(), "12", "0badcafe")


@pytest.mark.parametrize(
    ("lacks", "says"),
    [
        ("TWILIO_ACCOUNT_SID", "TWILIO_ACCOUNT_SID is missing"),
        ("TWILIO_AUTH_TOKEN", "TWILIO_AUTH_TOKEN is missing"),
        ("TWILIO_SMOKE_NUMBER", "TWILIO_SMOKE_NUMBER is not set"),
        ("sip.yaml", "is missing: docs/twilio.md"),
    ],
)
async def test_without_what_it_needs_nothing_is_tried(
    tmp_path: Path, lacks: str, says: str
) -> None:
    if lacks != "sip.yaml":
        (tmp_path / "sip.yaml").write_text(json.dumps(line().model_dump(mode="json")))
    given = SECRETS | {
        "TWILIO_SMOKE_NUMBER": SPARE,
        FROM: NUMBER,
        "PARLEY_SIP_FILE": str(tmp_path / "sip.yaml"),
        "PARLEY_RUN_DIR": str(tmp_path / "run"),
        "PARLEY_SIP_USERNAME": "caller",
        "PARLEY_SIP_PASSWORD": "0123456789ab",
        "PARLEY_ENGINE_KEY": "0123456789abcdef",
        "LIVEKIT_API_KEY": "APItest",
        "LIVEKIT_API_SECRET": "0123456789abcdef0123456789abcdef",
    }
    given.pop(lacks, None)
    said = list[str]()
    assert await run(given, Told(said.append)) == 2
    assert says in said[0]
    assert said[0].endswith("Nothing was made.")

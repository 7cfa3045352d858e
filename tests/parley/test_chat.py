"""A typed talk: what is said, what is done, how it ends; and the command around it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.config import Settings
from agent.persona import Persona
from parley.cli import app
from parley.typed import TypedTalk
from tests.fakes.models import FakeMind, Reply
from tests.fakes.virtual_time import on_virtual_time
from tests.parley.test_scripted import rehearsal
from tests.stack import environment_for

TOOLS = [
    {"type": "transfer", "transfers": {"doctor": "+15550142000"}},
    {"type": "collect_digits", "name": "pin", "description": "A PIN.", "max_digits": 4},
    {"type": "keys", "human": "0", "to": "doctor"},
]
PERSONA = Persona.model_validate(
    {"name": "clerk", "instructions": "Be brief.", "greeting": "Good day.", "tools": TOOLS}
)


async def talked(
    replies: Sequence[str | Reply], *lines: str
) -> tuple[str, list[Mapping[str, object]]]:
    """Why it ended, and all that was told; the mind gives the replies in turn, the last one again."""
    left = [reply if isinstance(reply, Reply) else Reply(reply) for reply in replies]
    mind = FakeMind(lambda _: left.pop(0) if len(left) > 1 else left[0])
    told: list[Mapping[str, object]] = []

    async def typed() -> AsyncIterator[str]:
        for line in lines:
            yield line

    reason = await TypedTalk(PERSONA, Settings(), mind, told.append).run(typed())
    return reason, told


def said(told: list[Mapping[str, object]]) -> list[object]:
    return [each["text"] for each in told if each["kind"] == "say"]


@on_virtual_time
async def test_each_line_is_answered_before_the_next_is_asked_for() -> None:
    reason, told = await talked(
        ["From nine.", "Until\nsix."], "When do you open?", "", "And close?"
    )
    assert said(told) == ["Good day.", "From nine.", "Until six."]
    assert reason == "caller hung up"
    assert told[-1] == {"kind": "end", "reason": reason}


@on_virtual_time
async def test_a_goodbye_of_the_agents_ends_it_and_further_lines_are_nobodys() -> None:
    reason, told = await talked([Reply("Goodbye.", tool="end_call")], "That is all.", "Hello?")
    assert reason == "agent hung up"
    assert said(told) == ["Good day.", "Goodbye."]


@on_virtual_time
async def test_a_tool_that_asks_for_digits_gets_the_next_line_be_it_words_or_keys() -> None:
    asks = Reply("Your PIN, please.", tool="pin")
    _, told = await talked([asks, "Thank you."], "I want to pay.", "one six two seven")
    used = next(each for each in told if each["kind"] == "tool")
    assert (used["name"], used["failed"]) == ("pin", False)
    assert "1627" in str(used["result"])
    assert said(told)[-1] == "Thank you."
    _, told = await talked([asks, "Thank you."], "I want to pay.", "/keys 49#")
    assert "49" in str(next(each for each in told if each["kind"] == "tool")["result"])


@on_virtual_time
async def test_a_key_of_the_personas_hands_the_caller_over() -> None:
    reason, told = await talked(["Hello."], "Hi.", "/keys 0", "Are you there?")
    assert reason == "transferred"
    assert {"kind": "transfer", "to": "+15550142000"} in told


@on_virtual_time
async def test_a_mind_that_stays_away_is_apologised_for_and_then_ends_it() -> None:
    reason, told = await talked([Reply(fails=True)], "When do you open?", "Hello?")
    assert reason == "mind stayed away"
    assert said(told) == [
        "Good day.",
        PERSONA.failure_plan.moment_message,
        PERSONA.failure_plan.goodbye_message,
    ]


@pytest.mark.timeout(180)
async def test_the_command_prints_the_agents_words_and_no_others_to_stdout(tmp_path: Path) -> None:
    async with rehearsal() as it:
        settings = {"AGENT_LLM__URL": f"{it.url}/v1", "AGENT_LLM__KEY": "secret"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "parley", "chat", "--persona", "receptionist"),
            env=environment_for(tmp_path, **settings),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await process.communicate(b"what is your address\nthank you goodbye\n")
    assert process.returncode == 0, err.decode()
    greeting, address, goodbye = out.decode().splitlines()
    assert "Harbor Dental" in greeting
    assert "Water Street" in address
    assert goodbye.endswith("Goodbye.")
    assert '[end] reason="agent hung up"' in err.decode()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--persona", "nobody"), "no such persona"),
        (("--persona", "receptionist", "--var", "shoe=42"), "has no variable 'shoe'"),
    ],
)
def test_what_cannot_be_talked_to_is_named(
    tmp_path: Path, options: tuple[str, ...], sentence: str
) -> None:
    kept = dict(os.environ)
    try:
        result = CliRunner(env=environment_for(tmp_path)).invoke(app, ["chat", *options])
    finally:
        os.environ.clear()
        os.environ.update(kept)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stdout == ""

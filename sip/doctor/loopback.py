"""A real call, from the bridge to itself: answered, greeted, hung up."""

import asyncio
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import SecretStr

from agent.call import CallRequest
from sip.changes import Change, apply
from sip.doctor.finding import Finding, Reporter
from sip.livekit_side import LiveKitSide, Rule, Wanted, inbound_trunk, rule
from sip.simulate.caller import CallFailedError, call
from sip.simulate.stack import Stack

LIMIT = 7.0
"""Seconds for the whole call."""
RINGING = 5
GREETING = 3.0
"""Seconds from the answer to the agent's first sound."""

NAME = "doctor call"
"""Of the trunk and rule that one call is made by; no line's begins so. What a killed doctor left,
the next one takes away."""
USER = "doctor"


async def loopback(report: Reporter, stack: Stack, *, to: str, from_: str) -> Finding:
    """Calls `to`, whose trunk must ask for the stack's digest credentials."""
    try:
        async with call(stack, to=to, from_=from_, ringing=RINGING) as line:
            try:
                async with asyncio.timeout(GREETING):
                    await line.until(lambda: line.ear.began is not None)
            except TimeoutError:
                return report.failed(
                    f"answered after {line.ring_to_answer:.2f} s, and nothing was heard",
                    "see the worker's and the voice's logs; behind NAT, that the router lets a call "
                    "come back in",
                )
            began = line.ear.began
    except CallFailedError as error:
        return report.failed(
            f"not answered: {error}", "see the logs of livekit-sip and of the worker"
        )
    if began is None:
        return report.failed(
            f"answered after {line.ring_to_answer:.2f} s, and hung up without a word",
            "see the worker's log",
        )
    return report.ok(
        f"answered after {line.ring_to_answer:.2f} s, greeted {began - line.answered_at:.2f} s later"
    )


@asynccontextmanager
async def side_door(stack: Stack, persona: str) -> AsyncGenerator[tuple[Stack, str]]:
    """A number, and how to call it, that lead where a call from Twilio would; gone afterwards.

    A trunk that takes Twilio's addresses alone takes no call of our own. Raises `SideError`.
    """
    number = f"+1555019{secrets.randbelow(10_000):04}"
    password = SecretStr(secrets.token_urlsafe(24))
    wanted = Wanted(
        NAME,
        inbound=[inbound_trunk(NAME, [number], (USER, password))],
        rules=[_as_a_test(rule(NAME, NAME, number, persona))],
    )
    async with stack.client() as client:
        side = LiveKitSide(wanted, client)
        try:
            await _make(await side.plan())
            yield replace(stack, sip_username=USER, sip_password=password), number
        finally:
            await _make(await side.plan_destroy())


def _as_a_test(made: Rule) -> Rule:
    """The call's record says that nobody called."""
    for agent in made.info.room_config.agents:
        request = CallRequest.parse(agent.metadata)
        agent.metadata = request.model_copy(update={"test": True}).to_metadata()
    return made


async def _make(changes: Sequence[Change]) -> None:
    async for _ in apply(changes):
        pass

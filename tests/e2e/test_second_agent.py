"""A call has one agent, whoever asks for another: LiveKit does, where it makes a lost room anew."""

import pytest
from livekit import api

from agent.config import AGENT_NAME
from sip.simulate.stack import Stack as Line
from tests.e2e.switchboard import Switchboard, until
from tests.e2e.talk import talking
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]


async def test_who_is_asked_into_a_call_that_has_an_agent_leaves_it_alone(
    parley: Stack, line: Line, switchboard: Switchboard
) -> None:
    log = parley.folder / "logs" / "worker.log"
    async with talking(line) as talk, line.client() as livekit:
        await talk.is_greeted()
        [room] = (await switchboard.calls()).rooms
        await livekit.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name=AGENT_NAME, room=room)
        )

        async def has_left() -> bool:
            return "another agent has this call" in log.read_text()

        await until(has_left)
        await talk.is_answered()
        there = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        kinds = [each.kind for each in there.participants]
        assert kinds.count(api.ParticipantInfo.Kind.AGENT) == 1

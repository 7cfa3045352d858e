"""What a ticket is good for at a real livekit-server, and what not."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace

import pytest
import pytest_asyncio
from livekit import api, rtc
from livekit.agents.utils import wait_for_participant
from livekit.protocol.models import TrackSource

from agent.call import CallRequest
from agent.config import AGENT_NAME
from agent.tools.telephone import RoomTelephone
from tests.livekit_server import Server, livekit_server
from web.server.switchboard import LiveKitSwitchboard
from web.server.tickets import Ticket, Tickets

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture
def ticket(server: Server) -> Ticket:
    settings = server.settings
    tickets = Tickets(
        server.ports.livekit_url, settings.livekit_api_key, settings.livekit_api_secret
    )
    return tickets.new("clerk", {"shop": "Bakery"}, 0.0)


async def test_it_lets_in_where_the_agent_was_asked_for(server: Server, ticket: Ticket) -> None:
    room = rtc.Room()
    async with server.client() as livekit:
        await LiveKitSwitchboard(livekit).bring_agent(ticket.room, ticket.request)
    await room.connect(ticket.url, ticket.token)
    try:
        assert (room.name, room.local_participant.identity) == (ticket.room, ticket.identity)
        async with server.client() as livekit, asyncio.timeout(20):
            found = await livekit.agent_dispatch.list_dispatch(ticket.room)
            who = api.RoomParticipantIdentity(room=ticket.room, identity=ticket.identity)
            me = await livekit.room.get_participant(who)
    finally:
        await room.disconnect()
    ours = [each for each in found if each.agent_name == AGENT_NAME]
    assert [CallRequest.parse(each.metadata) for each in ours] == [ticket.request]
    assert list(me.permission.can_publish_sources) == [TrackSource.MICROPHONE]
    assert me.permission.can_publish_data
    assert not me.permission.can_update_metadata
    assert (me.permission.hidden, me.permission.agent) == (False, False)


async def test_its_keys_reach_the_agent_as_a_telephones(server: Server, ticket: Ticket) -> None:
    grants = api.VideoGrants(room_join=True, room=ticket.room)
    settings = server.settings
    token = api.AccessToken(
        settings.livekit_api_key, settings.livekit_api_secret.get_secret_value()
    )
    token.with_identity("agent").with_kind("agent").with_grants(grants)
    agent, browser, pressed = rtc.Room(), rtc.Room(), asyncio.Queue[str]()
    try:
        await agent.connect(ticket.url, token.to_jwt())
        await browser.connect(ticket.url, ticket.token)
        async with asyncio.timeout(20):
            caller = await wait_for_participant(agent, identity=ticket.identity)
            job = SimpleNamespace(room=agent)
            RoomTelephone(job, caller).on_key(pressed.put_nowait)  # type: ignore[arg-type]
            await browser.local_participant.publish_dtmf(code=11, digit="#")
            assert await pressed.get() == "#"
    finally:
        await browser.disconnect()
        await agent.disconnect()


async def test_it_opens_no_door_but_its_own(server: Server, ticket: Ticket) -> None:
    async with api.LiveKitAPI.with_token(ticket.token, ticket.url) as foreign:
        for asking in (
            foreign.room.list_rooms(api.ListRoomsRequest()),
            foreign.room.delete_room(api.DeleteRoomRequest(room=ticket.room)),
            foreign.room.create_room(api.CreateRoomRequest(name="call-1")),
        ):
            with pytest.raises(api.TwirpError) as refused:
                await asking
            assert refused.value.status in {401, 403}


async def test_another_secrets_ticket_is_none(server: Server, ticket: Ticket) -> None:
    header, claims, _ = ticket.token.split(".")
    room = rtc.Room()
    with pytest.raises(rtc.ConnectError):
        await room.connect(ticket.url, f"{header}.{claims}.{'A' * 43}")

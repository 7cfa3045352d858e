"""What LiveKit says of itself: is it there, is the key right, which trunks and rules it keeps, and
whether a worker takes calls."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from livekit import api

from sip.doctor.finding import Finding, Reporter
from sip.doctor.matching import Rule, Trunk

DISPATCH_PATIENCE = 1.5
"""Seconds until a worker, whose processes are warm, has come into the room."""
LIMIT = 4.0
"""Seconds for a worker to be found."""
_LOOK = 0.05

_UNKNOWN_KEY = frozenset({401, 403})
"""Answered without LiveKit's own codes."""
_TAKEN = frozenset({api.JobStatus.JS_RUNNING, api.JobStatus.JS_SUCCESS, api.JobStatus.JS_FAILED})


@dataclass
class Kept:
    """Filled by `read`."""

    trunks: list[Trunk] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)


async def read(report: Reporter, url: str, client: api.LiveKitAPI, kept: Kept) -> Finding:
    """Asks for all trunks and rules, which needs the key and redis."""
    try:
        trunks = await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        rules = await client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    except api.TwirpError as error:
        return _refused(report, url, error)
    except (aiohttp.ClientError, TimeoutError):
        return report.failed(
            f"nobody answers at {url}", "start livekit-server: `make run`, or set LIVEKIT_URL"
        )
    kept.trunks, kept.rules = list(trunks.items), list(rules.items)
    return report.ok(f"{url} takes our key; {len(kept.trunks)} trunks, {len(kept.rules)} rules")


def _refused(report: Reporter, url: str, error: api.TwirpError) -> Finding:
    if error.status in _UNKNOWN_KEY:
        return report.failed(
            f"{url} refuses our key",
            "set LIVEKIT_API_KEY and LIVEKIT_API_SECRET to a pair of its `keys`",
        )
    return report.failed(
        f"{url} cannot tell its trunks: {error.message or error.status}",
        "see that livekit-server has its redis",
    )


async def worker(report: Reporter, client: api.LiveKitAPI, agent: str, metadata: str) -> Finding:
    """Calls the agent into a room where nobody is. LiveKit has no list of its workers.

    `metadata` is the `CallRequest` that it gets.
    """
    try:
        async with empty_room(client) as room:
            request = api.CreateAgentDispatchRequest(agent_name=agent, room=room, metadata=metadata)
            dispatch = await client.agent_dispatch.create_dispatch(request)
            # One that comes into a room that is gone makes it again.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DISPATCH_PATIENCE):
                    while not await _is_entered(client, room):  # noqa: ASYNC110  it tells nobody
                        await asyncio.sleep(_LOOK)
            taken = await _is_taken(client, dispatch.id, room)
    except (api.TwirpError, aiohttp.ClientError) as error:
        return report.failed(
            f"LiveKit would not call an agent: {type(error).__name__}", "see livekit-server's log"
        )
    if taken:
        return report.ok(f"a worker takes calls for agent {agent!r}")
    return report.failed(
        f"no worker takes calls for agent {agent!r}",
        "start one: `make run`, or `parley worker start` with this LiveKit's address and key",
    )


async def _is_entered(client: api.LiveKitAPI, room: str) -> bool:
    request = api.ListParticipantsRequest(room=room)
    return bool((await client.room.list_participants(request)).participants)


async def _is_taken(client: api.LiveKitAPI, dispatch: str, room: str) -> bool:
    found = await client.agent_dispatch.get_dispatch(dispatch, room)
    return found is not None and any(job.state.status in _TAKEN for job in found.state.jobs)


@asynccontextmanager
async def empty_room(client: api.LiveKitAPI) -> AsyncGenerator[str]:
    """Its name; gone afterwards."""
    name = f"doctor-{secrets.token_hex(6)}"
    await client.room.create_room(api.CreateRoomRequest(name=name, empty_timeout=10))
    try:
        yield name
    finally:
        await client.room.delete_room(api.DeleteRoomRequest(room=name))

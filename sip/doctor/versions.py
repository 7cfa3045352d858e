"""Whether the servers that run are of the versions that calls were tried with. livekit-sip tells nobody
which it is, and a language model only if it is vLLM."""

import asyncio
from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp
from google.protobuf.message import DecodeError
from livekit import api
from livekit.protocol.rtc import SignalResponse
from pydantic import BaseModel, ValidationError

from sip.doctor.finding import Finding, Reporter
from sip.doctor.livekit import empty_room
from sip.doctor.servers import Server
from sip.simulate.stack import Stack

LIMIT = 6.0
"""Seconds for all of them."""
_PATIENCE = 4.0
_PROTOCOL = "16"
"""Of LiveKit's signalling, as of its SDKs; any later server knows it."""

Refused = (api.TwirpError, aiohttp.ClientError, TimeoutError, TypeError, DecodeError)


class _Said(BaseModel):
    version: str


async def look(
    report: Reporter,
    stack: Stack,
    client: api.LiveKitAPI,
    thinking: Server,
    tried: Mapping[str, str],
) -> list[Finding]:
    """One for each that says its version; `tried` is by name, as 1.2.3."""
    livekit, vllm = await asyncio.gather(livekit_version(stack, client), vllm_version(thinking))
    said = {"livekit-server": livekit, "vllm": vllm}
    found = [
        compared(report, name, version, tried[name])
        for name, version in said.items()
        if version and name in tried
    ]
    return found or [report.skipped("no server says which it is")]


def compared(report: Reporter, name: str, running: str, tried: str) -> Finding:
    """`running` may go on after the number, as 1.2.3.dev4 does."""
    if running == tried:
        return report.ok(f"{name} {running}, as tried")
    return report.warning(
        f"{name} {running} was never tried, {tried} was",
        f"run {name} {tried}, or try a call before you rely on it",
    )


async def livekit_version(stack: Stack, client: api.LiveKitAPI) -> str | None:
    """It tells who comes into a room; None if it does not."""
    try:
        async with asyncio.timeout(_PATIENCE), empty_room(client) as room:
            grants = api.VideoGrants(room_join=True, room=room)
            return await _on_joining(stack.livekit_url, stack.token("doctor", grants))
    except Refused:
        return None


async def _on_joining(url: str, token: str) -> str | None:
    headers = {"Authorization": f"Bearer {token}"}
    asked = {"protocol": _PROTOCOL, "auto_subscribe": "0"}
    address = urlsplit(url)
    scheme = address.scheme.replace("http", "ws")
    async with (
        aiohttp.ClientSession(headers=headers) as http,
        http.ws_connect(f"{scheme}://{address.netloc}/rtc", params=asked) as socket,
    ):
        first = SignalResponse.FromString(await socket.receive_bytes())
    return str(first.join.server_info.version) or None


async def vllm_version(thinking: Server) -> str | None:
    """None if there is none, or it is no vLLM."""
    url = thinking.url.removesuffix("/v1")
    try:
        async with (
            asyncio.timeout(_PATIENCE),
            aiohttp.ClientSession(headers=thinking.headers()) as http,
            http.get(f"{url}/version") as answer,
        ):
            return _Said.model_validate_json(await answer.read()).version
    except (*Refused, ValidationError, ValueError):
        return None

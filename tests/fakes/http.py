"""A web server of the test's own, on a real socket; LiveKit's API among them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from google.protobuf.message import Message
from livekit import api


@asynccontextmanager
async def listening(app: web.Application, *, cancels: bool = False) -> AsyncIterator[str]:
    """Its address. `cancels`: a handler ends when its client goes."""
    runner = web.AppRunner(app, handler_cancellation=cancels)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def livekit_serving(
    app: web.Application, *, cancels: bool = False, failover: bool = True
) -> AsyncIterator[api.LiveKitAPI]:
    """A client of it; `failover` as livekit-api has it."""
    async with (
        listening(app, cancels=cancels) as url,
        api.LiveKitAPI(url, "key", "secret" * 8, failover=failover) as client,
    ):
        yield client


def protobuf(message: Message) -> web.Response:
    """As Twirp answers."""
    return web.Response(body=message.SerializeToString(), content_type="application/protobuf")

"""Work for a request, given up when nobody waits for its answer any more."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from starlette.requests import ClientDisconnect, Request

ResultT = TypeVar("ResultT")


async def unless_left(request: Request, work: Awaitable[ResultT]) -> ResultT:
    """The work's result. Raises ClientDisconnect, the work cancelled, when the client leaves.

    The request's body has been read: what still comes of it is dropped.
    """
    task = asyncio.ensure_future(work)
    left = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({task, left}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        task.cancel()
        left.cancel()
        await asyncio.gather(task, left, return_exceptions=True)


async def _left(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

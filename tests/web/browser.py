"""A browser, as far as the server knows one."""

import contextlib
from collections.abc import AsyncIterator

import aiohttp

from tests.web.rig import Rig

OURS = {"Sec-Fetch-Site": "same-origin"}
"""What a browser sends with what a page of ours asks."""


@contextlib.asynccontextmanager
async def browser(rig: Rig, **headers: str) -> AsyncIterator[aiohttp.ClientSession]:
    """It shows our page, and keeps its cookies, though the server has no name."""
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(rig.url, headers=OURS | headers, cookie_jar=jar) as http:
        yield http


async def code(asking: contextlib.AbstractAsyncContextManager[aiohttp.ClientResponse]) -> str:
    """Of the refusal."""
    async with asking as answer:
        assert answer.status >= 400, answer.status
        said: str = (await answer.json())["error"]["code"]
        return said

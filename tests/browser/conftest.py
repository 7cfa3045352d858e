"""One stack for all browser tests, and pages that are open on it."""

import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import pytest
import pytest_asyncio
import yaml
from playwright.async_api import ViewportSize

from parley.ports import Ports
from parley.probes import http_ok
from parley.rehearse.command import PERSONAS
from tests.browser.chromium import DESK, Microphone, capture, chromium, page_of
from tests.browser.room import Room
from tests.e2e.switchboard import until
from tests.fakes.relay import Relay, relay
from tests.stack import Stack, free_block, parley_up

STOP = "#"
"""The key that stops the agent."""


@pytest.fixture(scope="package")
def base() -> int:
    """The first of the stack's ports."""
    return free_block()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def signalling(base: int) -> AsyncIterator[Relay]:
    """The browsers' way to LiveKit, but for the sound."""
    async with relay(Ports.block(base).livekit) as signalling:
        yield signalling


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def parley(
    tmp_path_factory: pytest.TempPathFactory, base: int, signalling: Relay
) -> AsyncIterator[Stack]:
    """The receptionist knows a key."""
    folder = tmp_path_factory.mktemp("browser")
    personas = folder / "personas"
    shutil.copytree(PERSONAS, personas)
    receptionist = personas / "receptionist.yaml"
    wanted = yaml.safe_load(receptionist.read_text()) | {"tools": [{"type": "keys", "stop": STOP}]}
    receptionist.write_text(yaml.safe_dump(wanted, sort_keys=False))
    async with parley_up(
        folder,
        AGENT_PERSONAS=str(personas),
        PARLEY_PORT_BASE=str(base),
        PARLEY_WEB_LIVEKIT_URL=f"ws://127.0.0.1:{signalling.port}",
    ) as stack:
        # Calls do without the pages, so nobody waits for these.
        await until(http_ok(web_port(stack), "/room/config"))
        yield stack


@pytest.fixture
def address(parley: Stack) -> str:
    """Of the pages."""
    return address_of(parley)


def address_of(stack: Stack) -> str:
    return f"http://127.0.0.1:{web_port(stack)}"


def web_port(stack: Stack) -> int:
    return Ports.block(int(stack.environment["PARLEY_PORT_BASE"])).web


class Visit(Protocol):
    def __call__(
        self, path: str = "/", *, viewport: ViewportSize = DESK, dark: bool = False
    ) -> AbstractAsyncContextManager[Room]: ...


@asynccontextmanager
async def beside(room: Room, address: str) -> AsyncIterator[Room]:
    """Another visitor in the same Chromium, with a session of their own and the same microphone."""
    browser = room.page.context.browser
    assert browser
    async with page_of(browser, address) as page:
        await page.goto("/")
        yield Room(page, room.microphone)


@pytest.fixture
def visit(address: str, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    """Opens a page in a Chromium of its own, with a microphone of its own."""

    @asynccontextmanager
    async def open_page(
        path: str = "/", *, viewport: ViewportSize = DESK, dark: bool = False
    ) -> AsyncIterator[Room]:
        microphone = Microphone(tmp_path_factory.mktemp("microphone"))
        async with (
            chromium(*capture(microphone)) as browser,
            page_of(browser, address, viewport=viewport, dark=dark) as page,
        ):
            await page.goto(path)
            yield Room(page, microphone)

    return open_page

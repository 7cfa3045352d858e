"""One stack for all end-to-end tests: `parley up`, as people run it."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from sip.simulate.stack import Stack as Line
from tests.e2e.switchboard import Switchboard
from tests.stack import Stack, parley_up


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def parley(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    async with parley_up(tmp_path_factory.mktemp("parley")) as stack:
        yield stack


@pytest.fixture
def line(parley: Stack) -> Line:
    """What a caller who may call knows of the stack."""
    return line_to(parley)


def line_to(stack: Stack, **other: object) -> Line:
    """The same with some of it changed: a wrong password, say."""
    known = {
        "livekit_url": stack.facts["livekit_url"],
        "api_key": stack.environment["LIVEKIT_API_KEY"],
        "api_secret": SecretStr(stack.environment["LIVEKIT_API_SECRET"]),
        "sip_host": stack.facts["sip_host"],
        "sip_port": stack.facts["sip_port"],
        "sip_username": stack.environment["PARLEY_SIP_USERNAME"],
        "sip_password": SecretStr(stack.environment["PARLEY_SIP_PASSWORD"]),
    }
    return Line(**known | other)


@pytest.fixture
async def switchboard(parley: Stack, line: Line) -> AsyncIterator[Switchboard]:
    """Without calls when the test begins."""
    async with Switchboard.open(parley, line) as board:
        await board.until_idle()
        yield board

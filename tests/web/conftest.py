"""The control API on a real socket, with a ledger in a file and a LiveKit that is a fake."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.rig import Rig, serving


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with serving(tmp_path) as running:
        yield running

"""Waiting for what others on the same loop will have done, without a clock."""

import asyncio
from collections.abc import Callable

import pytest


async def until(holds: Callable[[], bool]) -> None:
    """Lets everything else run until it does."""
    for _ in range(50_000):
        if holds():
            return
        await asyncio.sleep(0)
    pytest.fail("it never came to that")

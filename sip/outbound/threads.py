"""Changes to the queue, which block, from a loop that must not."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import OperationalError

logger = logging.getLogger(__name__)

TRIES = 5
"""Of a change whose database is busy or away."""

T = TypeVar("T")


async def in_thread(change: Callable[[], T]) -> T:
    """The change is made, or it is not, also when whoever waits is cancelled meanwhile."""
    work = asyncio.ensure_future(_tried(change))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        raise


async def _tried(change: Callable[[], T]) -> T:
    for attempt in range(1, TRIES):
        try:
            return await asyncio.to_thread(change)
        except OperationalError as error:
            logger.warning("the queue is away", extra={"why": type(error.orig).__name__})
            await asyncio.sleep(0.2 * attempt)
    return await asyncio.to_thread(change)

"""Closes, while the stack is up, the calls whose worker died."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from ledger.database import LedgerError, open_ledger, parse
from ledger.reaper import reap
from parley.settings import BadSettingsError

logger = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds."""


def keeper(
    url: str, closed: Callable[[int], None] = lambda _: None
) -> Callable[[], Awaitable[None]]:
    """`run` on that ledger. Raises BadSettingsError for what is no URL of one."""
    try:
        parse(url)
    except LedgerError as error:
        raise BadSettingsError(f"PARLEY_LEDGER: {error}") from error
    return partial(run, url, closed)


async def run(url: str, closed: Callable[[int], None] = lambda _: None) -> None:
    """Until cancelled. A ledger that is away is tried again. `closed` is told how many calls were."""
    while True:
        try:
            lost = await asyncio.to_thread(_reap, url)
        except LedgerError as error:
            logger.warning("lost calls cannot be closed now", extra={"reason": str(error)})
        except SQLAlchemyError as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            logger.warning("lost calls cannot be closed now", extra={"reason": kind})
        else:
            closed(lost)
            if lost:
                logger.warning("calls whose worker died were closed", extra={"calls": lost})
        await asyncio.sleep(EVERY)


def _reap(url: str) -> int:
    engine = open_ledger(url)
    try:
        return len(reap(engine, datetime.now(UTC)))
    finally:
        engine.dispose()

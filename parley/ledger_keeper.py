"""Closes, while the stack is up, the calls whose worker died."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from sqlalchemy.exc import SQLAlchemyError

from ledger.database import LedgerError, open_ledger, parse
from ledger.reaper import Reaper
from parley.settings import BadSettingsError

logger = logging.getLogger(__name__)

EVERY = 10.0
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
    reaper, loop = Reaper(), asyncio.get_running_loop()
    while True:
        try:
            lost = await asyncio.to_thread(_close, reaper, url, loop.time())
        except (LedgerError, SQLAlchemyError) as error:
            reaper.away()
            logger.warning("lost calls cannot be closed now", extra={"reason": _reason(error)})
        else:
            closed(lost)
            if lost:
                logger.warning("calls whose worker died were closed", extra={"calls": lost})
        await asyncio.sleep(EVERY)


def _close(reaper: Reaper, url: str, steady: float) -> int:
    engine = open_ledger(url)
    try:
        return len(reaper.close(engine, datetime.now(UTC), steady))
    finally:
        engine.dispose()


def _reason(error: LedgerError | SQLAlchemyError) -> str:
    if isinstance(error, LedgerError):
        return str(error)
    return type(getattr(error, "orig", None) or error).__name__

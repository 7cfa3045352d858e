"""Closes, while the stack is up, the calls whose worker died."""

import asyncio
import logging
from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from ledger.database import LedgerError, open_ledger
from ledger.reaper import reap

logger = logging.getLogger(__name__)

EVERY = 30.0
"""Seconds."""


async def run(url: str) -> None:
    """Until cancelled. A ledger that is away is tried again."""
    while True:
        try:
            closed = await asyncio.to_thread(_reap, url)
        except LedgerError as error:
            logger.warning("lost calls cannot be closed now", extra={"reason": str(error)})
        except SQLAlchemyError as error:
            kind = type(getattr(error, "orig", None) or error).__name__
            logger.warning("lost calls cannot be closed now", extra={"reason": kind})
        else:
            if closed:
                logger.warning("calls whose worker died were closed", extra={"calls": closed})
        await asyncio.sleep(EVERY)


def _reap(url: str) -> int:
    engine = open_ledger(url)
    try:
        return len(reap(engine, datetime.now(UTC)))
    finally:
        engine.dispose()

"""Brings recordings to the bucket, where there is one, while the stack is up."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from sqlalchemy import Engine

from ledger.bucket import Bucket, BucketAwayError, BucketError, BucketPlace
from ledger.database import open_ledger
from ledger.recordings import Shelf
from parley.settings import BadSettingsError, Settings

logger = logging.getLogger(__name__)

EVERY = 5.0
"""Seconds between two looks into the ledger."""

LONGEST = 300.0
"""Seconds between two looks while the bucket takes nothing: they double until then."""


def shelf_of(settings: Settings) -> Shelf:
    """Raises BadSettingsError."""
    folder = settings.run_dir / "recordings"
    if settings.bucket is None:
        return Shelf(folder)
    place = BucketPlace(
        settings.bucket,
        settings.bucket_prefix,
        settings.bucket_endpoint,
        settings.bucket_region,
        settings.bucket_access_key,
        settings.bucket_secret_key,
    )
    try:
        return Shelf(folder, Bucket(place))
    except BucketError as error:
        raise BadSettingsError(f"PARLEY_BUCKET: {error}") from error


def courier(settings: Settings) -> Callable[[], Awaitable[None]]:
    """The service. Raises BadSettingsError."""
    return partial(_run, settings, shelf_of(settings))


class Courier:
    """`now` is the wall clock, in UTC."""

    def __init__(
        self,
        engine: Engine,
        shelf: Shelf,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._shelf = shelf
        self._now = now
        self._trouble: str | None = None
        self._wait = EVERY

    async def go(self) -> float:
        """Bring what waits, once; returns after how many seconds to go again.

        What the bucket does not take stays in the folder. That is said once, until it is over.
        """
        trouble = await self._bring()
        if trouble is None:
            if self._trouble:
                logger.info("the bucket takes recordings again")
            self._wait = EVERY
        else:
            if self._trouble is None:
                about = {"reason": trouble}
                logger.error("recordings stay here: they are brought later", extra=about)
            self._wait = min(2 * self._wait, LONGEST)
        self._trouble = trouble
        return self._wait

    async def _bring(self) -> str | None:
        """The first trouble. One file that is refused does not keep the others."""
        trouble = None
        try:
            await asyncio.to_thread(self._shelf.sweep)
        except BucketError as error:
            trouble = str(error)
        waiting = await asyncio.to_thread(self._shelf.waiting, self._engine, self._now())
        for call_id, file in waiting:
            try:
                await asyncio.to_thread(self._shelf.send, self._engine, call_id, file)
            except BucketAwayError as error:
                return str(error)
            except (BucketError, OSError) as error:
                trouble = trouble or _said(error)
        return trouble


def _said(error: BucketError | OSError) -> str:
    return str(error) if isinstance(error, BucketError) else f"a file: {error.strerror}"


async def _run(settings: Settings, shelf: Shelf) -> None:
    """Until cancelled. Without a bucket there is nothing to do."""
    if shelf.bucket is None:
        return
    engine = await asyncio.to_thread(open_ledger, settings.ledger_url)
    try:
        await asyncio.to_thread(shelf.tidy, engine)
        courier = Courier(engine, shelf)
        while True:
            wait = await courier.go()
            await asyncio.sleep(wait)
    finally:
        engine.dispose()

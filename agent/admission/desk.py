"""Asks the ledger, and decides whether a caller is let in: before the bridge has answered."""

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from agent.admission.decide import Counts, Refused, decide, position, standing
from agent.admission.policy import Admission
from agent.admission.prices import Prices
from agent.yaml_file import BadFileError, Document
from ledger import places
from ledger.counts import Asked, count_calls, is_held
from ledger.database import LedgerError, open_ledger

logger = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds for the ledger to count. Who cannot be counted is let in: a company whose database is
away must still be reached."""

SECTION = "admission"

NOBODY = Asked("", datetime.fromtimestamp(0, UTC), "", "")

T = TypeVar("T")


def read_admission(file: Path | None) -> Admission:
    """The part of `sip.yaml`, read for each call. Raises `BadFileError` with line and key."""
    if file is None or not file.exists():
        return Admission()
    document = Document.read(file)
    data = document.data if isinstance(document.data, dict) else {}
    return Document(file, data.get(SECTION, {}), _within(document)).validated(Admission)


def _within(document: Document) -> dict[tuple[int | str, ...], int]:
    """The lines of the section's keys, as if it were a file of its own."""
    return {place[1:]: line for place, line in document.lines.items() if place[:1] == (SECTION,)}


class Desk:
    """Of one worker's process. `ledger` is its URL; `mind_calls` the calls that the language model
    serves at once, if that is known."""

    def __init__(
        self,
        file: Path | None,
        ledger: SecretStr | None,
        mind_calls: int | None = None,
        patience: float = PATIENCE,
    ) -> None:
        self._file = file
        self._ledger = ledger
        self._mind_calls = mind_calls
        self._patience = patience
        self._engine: Engine | None = None
        self._opening = threading.Lock()
        self._known: tuple[tuple[int, int, int] | None, Admission] | None = None

    def open(self) -> None:
        """Before a call comes, which will be decided on in a tenth of the time: the file is read, the
        ledger open, and what will be asked of it was asked once. It may block."""
        policy, now = self.policy(), datetime.now(UTC)
        if self._ledger is None:
            return

        def rehearse(connection: Connection) -> None:
            _stands(connection, policy, NOBODY, now)
            places.put(connection, NOBODY.id, places.NONE, now)

        try:
            self._in_transaction(self._ledger, rehearse)
        except LedgerError as error:
            logger.error("the ledger cannot be used now", extra={"reason": str(error)})  # noqa: TRY400
        except SQLAlchemyError as error:
            about = {"reason": type(error).__name__}
            logger.error("the ledger cannot be used now", extra=about)  # noqa: TRY400

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def policy(self) -> Admission:
        """As the file says now. One that cannot be read refuses nobody, and is said in the log."""
        try:
            policy = self._read()
        except BadFileError as error:
            logger.error("nobody is refused", extra={"why": str(error)})  # noqa: TRY400
            policy = Admission()
        bounds = [each for each in (policy.max_calls, self._mind_calls) if each is not None]
        return policy.model_copy(update={"max_calls": min(bounds, default=None)})

    def _read(self) -> Admission:
        """Anew where the file is another than it was. Raises `BadFileError`."""
        try:
            found = self._file.stat() if self._file else None
        except OSError:
            found = None
        version = found and (found.st_mtime_ns, found.st_size, found.st_ino)
        if self._known is None or self._known[0] != version:
            self._known = (version, read_admission(self._file))
        return self._known[1]

    def cost(self, line_seconds: float, models: list[dict[str, Any]]) -> float | None:
        """By the prices as they are now; None: nothing has one."""
        prices = self.policy().prices
        return None if prices == Prices() else prices.of_call(line_seconds, models)

    def hands_over(self) -> bool:
        """Whether a call that is up can be handed over: Twilio's `<Dial><Sip>` takes no REFER."""
        if self._file is None or not self._file.exists():
            return True
        try:
            data = Document.read(self._file).data
        except BadFileError:
            return True
        return not isinstance(data, dict) or data.get("mode") != "twiml"

    async def ask(
        self, policy: Admission, asked: Asked, now: datetime, *, engines_are_full: bool = False
    ) -> Refused | None:
        """None: let in, and the place is theirs. Who is told to wait has a place in the queue."""
        decided = partial(decide, policy, persona=asked.persona, caller=asked.caller, now=now)

        def first(connection: Connection) -> Refused | None:
            counts = replace(
                _stands(connection, policy, asked, now), engines_are_full=engines_are_full
            )
            refused = decided(counts=counts)
            places.put(connection, asked.id, _place(refused), now)
            return refused

        unknown = decided(counts=Counts(engines_are_full=engines_are_full))
        if policy.counts or (unknown and unknown.position):
            return await self._deciding(first, unknown)
        return unknown

    async def turn(self, policy: Admission, asked: Asked, now: datetime) -> int:
        """Where one who waits stands, from 1; 0: there is a place, and it is theirs."""

        def next_(connection: Connection) -> int:
            stands = position(policy, asked.persona, _stands(connection, policy, asked, now))
            place = places.WAITING if stands else places.HELD
            places.put(connection, asked.id, place, now)
            return stands

        return await self._deciding(next_, 0)

    async def is_held(self, room: str, now: datetime) -> bool:
        """Whether another agent has the call of that room. False, too, if the ledger is away."""
        if self._ledger is None:
            return False
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.to_thread(self._looked, self._ledger, room, now)
        except (LedgerError, SQLAlchemyError, OSError):
            return False

    def _looked(self, url: SecretStr, room: str, now: datetime) -> bool:
        with self._opened(url).connect() as connection:
            return is_held(connection, room, now)

    async def put(self, asked: Asked, place: places.Place, now: datetime) -> None:
        def change(connection: Connection) -> None:
            places.put(connection, asked.id, place, now)

        await self._deciding(change, None)

    async def _deciding(self, work: Callable[[Connection], T], unknown: T) -> T:
        """What `work` says in a transaction of its own; `unknown`, if the ledger is away."""
        if self._ledger is None:
            logger.error("calls cannot be counted: there is no ledger")
            return unknown
        try:
            async with asyncio.timeout(self._patience):
                return await asyncio.to_thread(self._in_transaction, self._ledger, work)
        except (LedgerError, SQLAlchemyError, OSError) as error:
            about = {"why": type(error).__name__}
            logger.error("calls cannot be counted: this one is let in", extra=about)  # noqa: TRY400
            return unknown

    def _in_transaction(self, url: SecretStr, work: Callable[[Connection], T]) -> T:
        with places.deciding(self._opened(url)) as connection:
            return work(connection)

    def _opened(self, url: SecretStr) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = open_ledger(url.get_secret_value())
            return self._engine


def _stands(connection: Connection, policy: Admission, asked: Asked, now: datetime) -> Counts:
    counted = count_calls(
        connection,
        asked,
        now=now,
        caller_since=policy.hour_ago(now),
        day_since=policy.day_began(now),
    )
    return standing(policy, asked.persona, counted)


def _place(refused: Refused | None) -> places.Place:
    if refused is None:
        return places.HELD
    return places.WAITING if refused.position else places.NONE

"""Asks the ledger, and decides whether a caller is let in: before the bridge has answered."""

import asyncio
import logging
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy.exc import SQLAlchemyError

from agent.admission.decide import Counts, Refused, decide
from agent.admission.policy import Admission
from agent.yaml_file import BadFileError, Document
from ledger.counts import Asked, count_calls
from ledger.database import LedgerError, open_ledger

logger = logging.getLogger(__name__)

PATIENCE = 1.0
"""Seconds for the ledger to count. Who cannot be counted is let in: a company whose database is
away must still be reached."""

SECTION = "admission"


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


@dataclass(frozen=True)
class Desk:
    """Of one worker. `ledger` is its URL."""

    file: Path | None
    ledger: SecretStr | None

    def policy(self) -> Admission:
        """As the file says now. One that cannot be read refuses nobody, and is said in the log."""
        try:
            return read_admission(self.file)
        except BadFileError as error:
            logger.error("nobody is refused", extra={"why": str(error)})  # noqa: TRY400
            return Admission()

    async def ask(self, policy: Admission, asked: Asked, now: datetime) -> Refused | None:
        """None: let in."""
        counts = await self._counted(policy, asked, now) if policy.counts else Counts()
        return decide(policy, persona=asked.persona, caller=asked.caller, counts=counts, now=now)

    async def _counted(self, policy: Admission, asked: Asked, now: datetime) -> Counts:
        if self.ledger is None:
            logger.error("calls cannot be counted: there is no ledger")
            return Counts()
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.to_thread(
                    _count, self.ledger.get_secret_value(), policy, asked, now
                )
        except (LedgerError, SQLAlchemyError, OSError) as error:
            about = {"why": type(error).__name__}
            logger.error("calls cannot be counted: this one is let in", extra=about)  # noqa: TRY400
            return Counts()


def _count(url: str, policy: Admission, asked: Asked, now: datetime) -> Counts:
    engine = open_ledger(url)
    try:
        found = count_calls(
            engine,
            asked,
            now=now,
            caller_since=policy.hour_ago(now),
            minutes_since=policy.day_began(now),
        )
    finally:
        engine.dispose()
    return Counts(found.at_once, found.of_persona, found.of_caller, found.minutes)

"""Calls whose process is gone, on this machine: LiveKit takes 20 s to notice that an agent has died."""

import asyncio
from collections.abc import Callable, Iterable

import psutil
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from ledger.database import LedgerError, open_ledger
from ledger.holder import parsed, this_place
from ledger.reaper import holders


class Abandoned:
    """Of the ledger at `url`. `rooms` may be asked often; one that is away knows of none."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._engine: Engine | None = None

    async def rooms(self) -> set[str]:
        try:
            return await asyncio.to_thread(self._look)
        except (LedgerError, SQLAlchemyError):
            return set()

    def _look(self) -> set[str]:
        self._engine = self._engine or open_ledger(self._url)
        return abandoned(holders(self._engine), this_place(), is_running)


def abandoned(held: Iterable[tuple[str, str]], here: str, runs: Callable[[int], bool]) -> set[str]:
    """Rooms of which all who hold them, `(room, holder)`, ran here and are over. Pure."""
    told = [(room, _is_gone(holder, here, runs)) for room, holder in held]
    return {room for room, gone in told if gone} - {room for room, gone in told if not gone}


def _is_gone(holder: str, here: str, runs: Callable[[int], bool]) -> bool:
    try:
        place, pid = parsed(holder)
    except ValueError:  # of an older version
        return False
    return place == here and not runs(pid)


def is_running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

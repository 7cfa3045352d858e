"""Functions that a persona of the tests names, good and bad."""

import asyncio
from datetime import date
from typing import Any, Literal


async def price(item: str, size: Literal["small", "large"] = "small") -> dict[str, Any]:
    """What a thing costs."""
    return {"item": item, "size": size, "dollars": 45}


def count(on: date, boxes: int = 1) -> str:
    """How many are left, asked in a thread."""
    return f"{boxes} on {on.isoformat()}"


async def hang() -> str:
    """Never answers."""
    await asyncio.Event().wait()
    raise AssertionError


async def slow() -> str:
    """Answers after five seconds."""
    await asyncio.sleep(5)
    return "At last."


async def very_slow() -> str:
    """Answers after twelve seconds."""
    await asyncio.sleep(12)
    return "At last."


def fail() -> str:
    """Fails with what nobody should hear."""
    raise RuntimeError("the password is swordfish")


async def huge() -> str:
    """Answers with two megabytes."""
    return "x" * 2_000_000


def nothing() -> None:
    """Does something and says nothing."""


def untyped(item) -> str:  # type: ignore[no-untyped-def]
    """Cannot be checked."""
    return str(item)


def anything(**items: str) -> str:
    """Cannot be checked."""
    return str(items)


def undescribed(item: str) -> str:
    return item


NOT_A_FUNCTION = "price"

"""Functions that scenarios declare as tools (`type: python`), each with a fault of its own."""

import asyncio


async def takes_four_seconds() -> str:
    """Looks something up, slowly."""
    await asyncio.sleep(4.0)
    return "It is in stock."


async def never_returns() -> str:
    """Looks something up, and hangs."""
    await asyncio.Event().wait()
    return ""


def fails() -> str:
    """Looks something up, and fails."""
    raise RuntimeError("the secret path /etc/shadow")


def says_too_much() -> str:
    """Looks something up, and returns two million letters."""
    return "a" * 2_000_000

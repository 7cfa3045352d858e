"""The order of the suite: what is quick and pure first, real calls last."""

import os
import sys

import pytest
from hypothesis import settings

settings.register_profile("steady", deadline=None)  # a busy machine is no failure
settings.load_profile("steady")

LATER = ("engine", "browser", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unmarked, then `engine`, then `browser`, then `e2e`; within each, as collected."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return max(
        (LATER.index(name) + 1 for name in LATER if item.get_closest_marker(name)), default=0
    )


_STATUS = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    session.config.stash[_STATUS] = exitstatus


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End without Python's own exit once LiveKit's native client was in use: it is torn down there,
    and has aborted the process of a run whose tests had all passed (livekit 1.x, panic in a callback)."""
    if "livekit.rtc" in sys.modules and _STATUS in config.stash:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_STATUS])

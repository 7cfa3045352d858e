"""The order of the suite: what is quick and pure first, real calls last."""

import pytest

LATER = ("engine", "browser", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Unmarked, then `engine`, then `browser`, then `e2e`; within each, as collected."""
    items.sort(key=_rank)


def _rank(item: pytest.Item) -> int:
    return max(
        (LATER.index(name) + 1 for name in LATER if item.get_closest_marker(name)), default=0
    )

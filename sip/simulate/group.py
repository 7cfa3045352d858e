"""Task groups inside context managers: what fails in them should read as if there were no group."""

from collections.abc import Generator
from contextlib import contextmanager


@contextmanager
def one_failure() -> Generator[None]:
    """Around a TaskGroup: a group of a single exception is raised as that exception."""
    try:
        yield
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:
            raise group.exceptions[0] from None
        raise

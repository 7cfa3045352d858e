"""Tests on the clock of rehearsals, which jumps to the next timer: a minute's call takes milliseconds."""

from collections.abc import Callable, Coroutine

from parley.rehearse.clock import run


def on_virtual_time(test: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Makes a test of a coroutine function."""

    def run_it() -> None:
        run(test())

    run_it.__name__ = test.__name__
    return run_it

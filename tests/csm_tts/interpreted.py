"""Tests of kernels on a CPU: Triton's interpreter runs them, in a process of its own.

Triton decides when it is imported whether it interprets, and whatever else is in this process may
have imported it. What else changes Triton for a whole process goes to another.
"""

import functools
import importlib
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import ParamSpec

P = ParamSpec("P")


def interpreted(test: Callable[P, None]) -> Callable[P, None]:
    """The same test, run where kernels are interpreted; its arguments must be picklable."""
    return _elsewhere(test, "1")


def apart(test: Callable[P, None]) -> Callable[P, None]:
    """The same test, run where kernels are compiled."""
    return _elsewhere(test, "0")


def _elsewhere(test: Callable[P, None], interpret: str) -> Callable[P, None]:
    @functools.wraps(test)
    def there(*args: P.args, **kwargs: P.kwargs) -> None:
        call = _pool(interpret).submit(_run, test.__module__, test.__qualname__, args, kwargs)
        call.result()

    return there


@functools.cache
def _pool(interpret: str) -> ProcessPoolExecutor:
    spawn = get_context("spawn")
    return ProcessPoolExecutor(1, mp_context=spawn, initializer=_start, initargs=(interpret,))


def _start(interpret: str) -> None:
    os.environ["TRITON_INTERPRET"] = interpret
    import torch  # noqa: PLC0415 - after the choice

    torch.set_num_threads(1)


def _run(module: str, name: str, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    getattr(importlib.import_module(module), name).__wrapped__(*args, **kwargs)

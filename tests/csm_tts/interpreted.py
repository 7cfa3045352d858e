"""Tests of kernels on a CPU: Triton's interpreter runs them, in a process of its own.

Triton decides when it is imported whether it interprets, and whatever else is in this process may
have imported it.
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

    @functools.wraps(test)
    def there(*args: P.args, **kwargs: P.kwargs) -> None:
        _pool().submit(_run, test.__module__, test.__qualname__, args, kwargs).result()

    return there


@functools.cache
def _pool() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_interpret)


def _interpret() -> None:
    os.environ["TRITON_INTERPRET"] = "1"
    import torch  # noqa: PLC0415 - after the choice

    torch.set_num_threads(1)


def _run(module: str, name: str, args: tuple[object, ...], kwargs: dict[str, object]) -> None:
    getattr(importlib.import_module(module), name).__wrapped__(*args, **kwargs)

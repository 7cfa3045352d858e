"""Keeps callers out of the log: their numbers, identities and words."""

import logging
from typing import Any

PERSONAL = ("lk.pii.", "pii", "text_sent")
"""How keys begin under which the framework, and we, put what a person alone should see. The last is
what a mind had said when it failed and another took over."""

CALLER = "sip_"
"""How the bridge begins a caller's identity; the number follows."""


def keep_callers_out_of_logs(handlers: list[logging.Handler]) -> None:
    """Whatever these handlers write names no caller."""
    for handler in handlers:
        handler.addFilter(_without_callers)


def _without_callers(record: logging.LogRecord) -> bool:
    for key, value in list(vars(record).items()):
        if key.startswith(PERSONAL):
            delattr(record, key)
        elif _names_caller(value):
            setattr(record, key, f"{CALLER}…")
    return True


def _names_caller(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(f"{CALLER}+")

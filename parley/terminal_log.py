"""How log records read on the terminal: the static message, then what `extra` adds to it."""

import logging

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


class TerminalFormatter(logging.Formatter):
    """`parley: a part died: starting it again (part=csm, in_seconds=0.5)`."""

    def __init__(self) -> None:
        super().__init__("parley: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        extra = [f"{k}={v}" for k, v in record.__dict__.items() if k not in _STANDARD]
        line = super().format(record)
        return f"{line} ({', '.join(extra)})" if extra else line


def log_to_terminal() -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(TerminalFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])

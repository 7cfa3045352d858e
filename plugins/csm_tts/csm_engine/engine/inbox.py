"""From the event loop to the device's thread."""

import threading
from collections import deque

from csm_engine.engine.talk import Command, Do, Speak
from csm_engine.model import SpeakError

WAITING = 64
"""Sentences that wait to be begun; more are refused."""

STOPPED = "the engine has stopped"


class Inbox:
    """Open from `open` to `shut`: what is put in between is taken, or told that it came too late."""

    def __init__(self) -> None:
        self._commands: deque[Command] = deque()
        self._waiting = 0
        self._why = STOPPED
        self._is_open = False
        # Over all of it: a sentence is taken in before the end, and told of it, or refused.
        self._lock = threading.Lock()
        self._news = threading.Event()

    def open(self) -> None:
        with self._lock:
            self._is_open = True

    def put(self, command: Command) -> None:
        """Raises SpeakError for a sentence or work that cannot be taken; the rest is then void."""
        with self._lock:
            if not self._is_open:
                if isinstance(command, Speak | Do):
                    raise SpeakError(self._why, retryable=True)
                return
            if isinstance(command, Speak):
                if self._waiting >= WAITING:
                    raise SpeakError(f"{WAITING} sentences are waiting already", retryable=True)
                self._waiting += 1
            self._commands.append(command)
        self._news.set()

    def take(self) -> Command | None:
        with self._lock:
            return self._commands.popleft() if self._commands else None

    def begun(self) -> None:
        """A sentence that was taken waits no longer."""
        with self._lock:
            self._waiting -= 1

    def wake(self) -> None:
        self._news.set()

    def wait(self, seconds: float | None) -> None:
        """Until there is news, or so long."""
        self._news.wait(seconds)

    def look(self) -> None:
        """What comes from here on is news."""
        self._news.clear()

    def shut(self, why: str = STOPPED) -> None:
        """Tells the sentences and the work that nobody has taken."""
        with self._lock:
            self._is_open = False
            self._why = why
            rest, self._commands = list(self._commands), deque()
            self._waiting = 0
        for command in rest:
            if isinstance(command, Speak | Do):
                command.fail(SpeakError(why, retryable=True))

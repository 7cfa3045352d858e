"""The scripted model of calls over SIP: a server that notes what it is sent and what it asks for."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

from pydantic import SecretStr

from parley.rehearse.record import ToolUse
from parley.scripted.app import MAX_BODY, MODEL_PREFIX, build_scripted
from parley.scripted.play import Answer
from parley.scripted.script import Script
from parley.scripted.wire import ChatRequest
from parley_serving import Gate
from parley_serving.server import EngineServer, make_config, open_listener

HOST = "127.0.0.1"
SESSIONS = 64
PACE = 0.002
"""Seconds between words."""
AWAY = Answer(status=503)


@dataclass(frozen=True)
class Asked:
    """One request. `at` is in seconds of `time.monotonic`."""

    at: float
    prompt: str
    """A message a line: `user: ...`."""
    said: tuple[str, ...]
    """The agent's messages in it."""
    calls: tuple[ToolUse, ...] = ()
    """What the answer asked for."""


@dataclass
class Notes:
    """Of one persona's mind. `away` are spells of `time.monotonic` in which it does not answer."""

    asked: list[Asked] = field(default_factory=list)
    away: list[tuple[float, float]] = field(default_factory=list)


class Minds:
    """All personas' minds, by the name of their model."""

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.key = SecretStr("rehearsal-mind")
        self.url = ""
        self._scripts = {
            model.removeprefix(MODEL_PREFIX): script for model, script in scripts.items()
        }
        self._notes = {model: Notes() for model in scripts}

    def afresh(self, model: str) -> Notes:
        """What is noted from now on."""
        self._notes[model] = Notes()
        return self._notes[model]

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        app = build_scripted(self._scripts, Gate(SESSIONS), self.key, pace=PACE, watch=self._watch)
        listener = open_listener(HOST, 0)
        self.url = f"http://{HOST}:{listener.getsockname()[1]}/v1"
        server = _Server(make_config(app, max_message=MAX_BODY))
        running = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            yield
        finally:
            server.should_exit = True  # cancelled, it would say so with a stack trace
            await asyncio.wait({running})

    def _watch(self, request: ChatRequest, answer: Answer) -> Answer:
        notes, now = self._notes[request.model], time.monotonic()
        if any(since <= now < until for since, until in notes.away):
            answer = AWAY
        messages = request.messages
        call = answer.call
        notes.asked.append(
            Asked(
                at=now,
                prompt="\n".join(f"{message.role}: {message.text}" for message in messages),
                said=tuple(m.text for m in messages if m.role == "assistant" and m.text),
                calls=(ToolUse(call.name, dict(call.arguments)),) if call else (),
            )
        )
        return answer


class _Server(EngineServer):
    """Signals are its host's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

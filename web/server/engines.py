"""How much the engines have in hand, and how much more they would take: as they say it now."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from ssl import SSLContext
from typing import Literal, Protocol

import aiohttp
from pydantic import BaseModel, SecretStr, ValidationError

PATIENCE = 1.0
"""Seconds for an answer."""

VLLM = re.compile(r"^vllm:num_requests_(running|waiting)(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)
"""In Prometheus' text, the mind's figures, where vLLM is the mind."""


class EngineLoad(BaseModel):
    """`absent`: it does not answer. `held` and `room` are calls, None where it does not say."""

    name: str
    state: Literal["ready", "full", "absent"]
    held: int | None = None
    room: int | None = None
    model: str | None = None
    about: str | None = None
    """For a person."""


class Engines(Protocol):
    async def look(self) -> list[EngineLoad]:
        """Of all, asked at once; never raises."""
        ...


class NoEngines:
    async def look(self) -> list[EngineLoad]:
        return []


Kind = Literal["engine", "worker", "mind"]


@dataclass(frozen=True)
class Engine:
    """`url` as the agent has it. `kind` is what it answers: our engines `/ready`, the worker
    `/calls`, an OpenAI-compatible endpoint (its URL ends in `/v1`) `/models`."""

    name: str
    url: str
    kind: Kind = "engine"
    key: SecretStr | None = None


class _Ready(BaseModel):
    ready: bool
    model: str
    held: int
    room: int
    reason: str | None = None


class _Calls(BaseModel):
    active: int
    limit: int


class _Model(BaseModel):
    id: str


class _Models(BaseModel):
    data: list[_Model]


class HttpEngines:
    """A socket each time it is asked: a page asks every half minute."""

    def __init__(self, engines: Sequence[Engine], tls: SSLContext | None = None) -> None:
        """`tls`: whom those that speak it are to be trusted by; by public authorities, if None."""
        self._engines = engines
        self._tls = tls

    async def look(self) -> list[EngineLoad]:
        timeout = aiohttp.ClientTimeout(total=PATIENCE)
        line = aiohttp.TCPConnector(ssl=self._tls or True)
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=line) as http,
            asyncio.TaskGroup() as tasks,
        ):
            asked = [tasks.create_task(_ask(http, engine)) for engine in self._engines]
        return [each.result() for each in asked]


async def _ask(http: aiohttp.ClientSession, engine: Engine) -> EngineLoad:
    ask = {"engine": _engine, "worker": _worker, "mind": _mind}[engine.kind]
    try:
        return await ask(http, engine)
    except (aiohttp.ClientError, TimeoutError, ValidationError, UnicodeDecodeError) as error:
        about = f"see that it runs ({type(error).__name__})"
        return EngineLoad(name=engine.name, state="absent", about=about)


async def _engine(http: aiohttp.ClientSession, engine: Engine) -> EngineLoad:
    said = _Ready.model_validate_json(await _get(http, engine, "/ready", refusals=True))
    state: Literal["ready", "full"] = "ready" if said.ready else "full"
    return EngineLoad(
        name=engine.name,
        state=state,
        held=said.held,
        room=said.room,
        model=said.model,
        about=said.reason,
    )


async def _worker(http: aiohttp.ClientSession, engine: Engine) -> EngineLoad:
    said = _Calls.model_validate_json(await _get(http, engine, "/calls"))
    room = max(0, said.limit - said.active)
    state: Literal["ready", "full"] = "ready" if room else "full"
    return EngineLoad(name=engine.name, state=state, held=said.active, room=room)


async def _mind(http: aiohttp.ClientSession, engine: Engine) -> EngineLoad:
    models = _Models.model_validate_json(await _get(http, engine, "/models")).data
    model = models[0].id if len(models) == 1 else None
    try:
        figures = (await _get(http, engine, "/../metrics")).decode()
    except (aiohttp.ClientError, TimeoutError, UnicodeDecodeError):
        figures = ""
    requests = {name: int(float(value)) for name, value in VLLM.findall(figures)}
    waiting = requests.get("waiting", 0)
    return EngineLoad(
        name=engine.name,
        state="full" if waiting else "ready",
        held=requests.get("running"),
        model=model,
        about=f"{waiting} requests wait" if waiting else None,
    )


async def _get(
    http: aiohttp.ClientSession, engine: Engine, path: str, *, refusals: bool = False
) -> bytes:
    headers = {}
    if engine.key:
        headers["Authorization"] = f"Bearer {engine.key.get_secret_value()}"
    base = engine.url.rstrip("/")
    if path.startswith("/.."):
        base, path = base.removesuffix("/v1"), path.removeprefix("/..")
    async with http.get(base + path, headers=headers) as answer:
        if not refusals:
            answer.raise_for_status()
        return await answer.read()

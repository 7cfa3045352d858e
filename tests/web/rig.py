"""What the tests of the control API share."""

import asyncio
import atexit
import contextlib
import functools
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from pydantic import SecretStr
from sqlalchemy import Engine, insert

from agent.call import CallRequest
from ledger.bucket import Bucket
from ledger.database import open_ledger
from ledger.tables import Base, CallRow
from sip.line import Line
from sip.reaper import Room
from sip.transfer import Reason
from tests.ledger.rows import call_values
from web.server.app import build_app
from web.server.desk import Desk, Twilio
from web.server.engines import Engines, NoEngines
from web.server.entry import Entry
from web.server.keys import KeyFile, Scope
from web.server.limits import Limiter
from web.server.run import open_listener, serve
from web.server.switchboard import NobodyError, UnreachableError
from web.server.tickets import Tickets

PUBLIC = "https://calls.example.com"
TOKEN = "0123456789abcdef0123456789abcdef"
PASSWORD = "Correct-Horse-9"
LIVEKIT, LIVEKIT_SECRET = "ws://127.0.0.1:7880", "s" * 40
CALLER, OURS = "+12025550142", "+12025550100"

PERSONA = """
name: clerk
greeting: Hello.
instructions: Be brief.
variables: {shop: Bakery}
"""

LINE: dict[str, Any] = {
    "public_host": "sip.example.com",
    "domain": "parley-test",
    "numbers": [{"number": OURS, "persona": "clerk"}],
    "outbound": {"from": OURS},
}
TWIML = LINE | {"mode": "twiml", "voice_url": f"{PUBLIC}/twiml"}


@dataclass
class FakeSwitchboard:
    """Calls by room; what was asked of it."""

    calls: list[Room] = field(default_factory=list)
    asked: list[tuple[str, ...]] = field(default_factory=list)
    transfer_fails: Reason | None = None
    away: bool = False

    async def answers(self) -> None:
        if self.away:
            raise UnreachableError

    async def rooms(self) -> list[Room]:
        if self.away:
            raise UnreachableError
        return self.calls

    async def bring_agent(self, room: str, request: CallRequest) -> None:
        if self.away:
            raise UnreachableError
        self.asked.append(("bring the agent", room, request.to_metadata()))

    async def hang_up(self, room: str) -> None:
        self._take("hang up", room)
        self.calls = [each for each in self.calls if each.name != room]

    async def say(self, room: str, text: str) -> None:
        self._take("say", room, text)

    async def stop_recording(self, room: str, *, discard: bool) -> None:
        self._take("stop recording", room, "discard" if discard else "keep")

    async def transfer(self, room: str, to: str, ringing: int) -> Reason | None:
        self._take("transfer", room, to)
        return self.transfer_fails

    def _take(self, what: str, room: str, *more: str) -> None:
        if self.away:
            raise UnreachableError
        if room not in {each.name for each in self.calls}:
            raise NobodyError
        self.asked.append((what, room, *more))


async def _not_begun() -> None:
    raise RuntimeError("the server has not begun")


@dataclass
class Rig:
    """`http` sends no key of its own; `headers` are those of one with the scopes."""

    url: str
    http: aiohttp.ClientSession
    engine: Engine
    keys: KeyFile
    switchboard: FakeSwitchboard
    folder: Path
    line: Line | None = None
    stop: Callable[[], object] = lambda: None
    restart: Callable[[], Awaitable[None]] = _not_begun
    listeners: Callable[[], int] = lambda: 0

    def headers(self, *scopes: Scope) -> dict[str, str]:
        _, sent = self.keys.new("test", frozenset(scopes or {Scope.ADMIN}), now())
        return {"Authorization": f"Bearer {sent}"}

    async def get(self, path: str, *scopes: Scope) -> tuple[int, Any]:
        return await self.ask("GET", path, *scopes)

    async def ask(self, method: str, path: str, *scopes: Scope, **how: Any) -> tuple[int, Any]:
        """Status and JSON, if the answer is any."""
        headers = self.headers(*scopes)
        async with self.http.request(method, path, headers=headers, **how) as answer:
            said = await answer.json() if answer.content_type == "application/json" else None
            return answer.status, said

    async def until_followed(self) -> None:
        """Somebody is told of live events."""
        async with asyncio.timeout(30):
            while not self.listeners():  # noqa: ASYNC110
                await asyncio.sleep(0.02)

    def write(self, table: type[Base], **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(insert(table).values(**values))

    def call(self, call_id: str = "c1", **values: Any) -> None:
        """One that goes on, unless `values` say otherwise."""
        moment = {"started_at": now(), "seen_at": now()}
        self.write(CallRow, **call_values(call_id, **(moment | values)))


def now() -> datetime:
    return datetime.now(UTC)


@functools.cache
def _empty_ledger() -> Path:
    """Made once, for it takes longer than a test."""
    folder = Path(tempfile.mkdtemp(prefix="parley-empty-ledger-"))
    atexit.register(shutil.rmtree, folder)
    open_ledger(f"sqlite:///{folder}/ledger.db").dispose()
    return folder / "ledger.db"


@contextlib.asynccontextmanager
async def serving(
    folder: Path,
    *,
    limiter: Limiter | None = None,
    twilio: bool = True,
    bucket: Bucket | None = None,
    entry: Entry | None = None,
    tickets: Tickets | None = None,
    engines: Engines | None = None,
    pages: Path | None = None,
) -> AsyncIterator[Rig]:
    """Inside, it answers."""
    shutil.copy(_empty_ledger(), folder / "ledger.db")
    engine = open_ledger(f"sqlite:///{folder}/ledger.db")
    (folder / "personas").mkdir()
    (folder / "personas" / "clerk.yaml").write_text(PERSONA)
    (folder / "recordings").mkdir()
    listener = open_listener("127.0.0.1", 0)
    port = listener.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession(url) as http:
        rig = Rig(url, http, engine, KeyFile(folder / "keys.json"), FakeSwitchboard(), folder)
        desk = Desk(
            engine=engine,
            switchboard=rig.switchboard,
            keys=rig.keys,
            line=lambda: rig.line,
            personas=folder / "personas",
            recordings=folder / "recordings",
            environment={"PARLEY_TRUNK_PASSWORD": PASSWORD},
            twilio=Twilio(PUBLIC, SecretStr(TOKEN)) if twilio else None,
            bucket=bucket,
            limiter=limiter or Limiter(rate=1000.0, burst=1000.0),
            entry=entry or Entry(),
            tickets=tickets or Tickets(LIVEKIT, "APItest", SecretStr(LIVEKIT_SECRET)),
            pages=pages or folder / "pages",
            engines=engines or NoEngines(),
        )

        def begin(listener: socket.socket) -> asyncio.Task[None]:
            app = build_app(desk, look=0.02)
            rig.listeners = lambda: app.state.feed.listeners
            return asyncio.create_task(serve(app, listener, leaving=app.state.feed.close))

        server = begin(listener)

        async def restart() -> None:
            nonlocal server
            server.cancel()
            await asyncio.wait({server})
            server = begin(open_listener("127.0.0.1", port))
            rig.stop = server.cancel

        rig.stop, rig.restart = server.cancel, restart
        try:
            yield rig
        finally:
            server.cancel()
            await asyncio.wait({server})
            engine.dispose()

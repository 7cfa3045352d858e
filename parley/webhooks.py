"""Webhooks out: tells web servers what happened to calls, and `parley webhooks`."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated

import aiohttp
import typer
from sqlalchemy import Engine

from agent.signature import SIGNATURE, signature
from ledger.database import open_ledger
from ledger.spool import deliveries, replay, settle, spool, take
from ledger.tables import DeliveryRow
from parley.settings import BadSettingsError, Settings, full_environment, say

logger = logging.getLogger(__name__)

EVERY = 2.0
"""Seconds between two looks into the ledger."""

AT_ONCE = 8
TIMEOUT = aiohttp.ClientTimeout(total=10.0)
ANSWER = 200
"""Characters of an answer that are kept."""

app = typer.Typer(no_args_is_help=True, help="Events that web servers are told.")


class Sender:
    """Sends what is on the spool. `now` is the wall clock, in UTC."""

    def __init__(
        self,
        engine: Engine,
        http: aiohttp.ClientSession,
        secret: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._engine = engine
        self._http = http
        self._secret = secret
        self._now = now

    async def send_due(self, urls: tuple[str, ...]) -> int:
        """Spool what is new, try all that is due; returns how many were tried."""
        await asyncio.to_thread(spool, self._engine, urls, self._now())
        due = await asyncio.to_thread(take, self._engine, self._now(), AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for delivery in due:
                group.create_task(self._send(delivery))
        return len(due)

    async def _send(self, delivery: DeliveryRow) -> None:
        sent, answer = await self._post(delivery)
        state = await asyncio.to_thread(
            settle, self._engine, delivery, sent=sent, answer=answer, now=self._now()
        )
        if not sent:
            about = {"delivery": delivery.id, "answer": answer, "state": state}
            logger.warning("a webhook was not taken", extra=about)

    async def _post(self, delivery: DeliveryRow) -> tuple[bool, str]:
        body = delivery.body.encode()
        headers = {
            "Content-Type": "application/json",
            SIGNATURE: signature(self._secret, int(self._now().timestamp()), body),
        }
        try:
            async with self._http.post(
                delivery.url, data=body, headers=headers, timeout=TIMEOUT, allow_redirects=False
            ) as answer:
                return answer.ok and answer.status < 300, str(answer.status)  # noqa: PLR2004
        except (aiohttp.ClientError, TimeoutError) as error:
            return False, type(error).__name__[:ANSWER]


async def tell(settings: Settings) -> None:
    """The service: until cancelled. Without an address there is nothing to do."""
    if not settings.webhook_urls or settings.webhook_secret is None:
        return
    engine = await asyncio.to_thread(open_ledger, settings.ledger_url)
    secret = settings.webhook_secret.get_secret_value()
    try:
        async with aiohttp.ClientSession() as http:
            sender = Sender(engine, http, secret)
            while True:
                if await sender.send_due(settings.webhook_urls) < AT_ONCE:
                    await asyncio.sleep(EVERY)
    finally:
        engine.dispose()


@app.command("list")
def list_(
    *,
    state: Annotated[str | None, typer.Option(help="waiting, sent, or given up.")] = None,
    limit: int = 50,
) -> None:
    """The newest first: when, what, of which call, what came of it."""
    for row in deliveries(_ledger(full_environment()), state=state, limit=limit):
        at = row.created_at.isoformat(timespec="seconds")
        typer.echo(
            f"{at}  {row.event:17} {row.call_id}  {row.state} ({row.attempts}: {row.answer or '-'})"
        )


@app.command("replay")
def replay_(
    call_id: Annotated[str, typer.Argument(help="Whose events are told once more.")],
) -> None:
    """Tell all events of a call once more."""
    told = replay(_ledger(full_environment()), call_id, datetime.now(UTC))
    if not told:
        say(f"parley: nothing was ever told of the call {call_id}")
        raise SystemExit(1)
    typer.echo(f"{told} events will be sent while Parley runs")


def _ledger(environment: Mapping[str, str]) -> Engine:
    try:
        return open_ledger(Settings.load(environment).ledger_url)
    except BadSettingsError as error:
        say(f"parley: {error}")
        raise SystemExit(2) from None

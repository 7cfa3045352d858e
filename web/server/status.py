"""What watches the server: is it alive, can it work, what has it done."""

import asyncio

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel
from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from web.server.access import Holder
from web.server.desk import Metrics, TheDesk
from web.server.errors import documented
from web.server.switchboard import UnreachableError

router = APIRouter(tags=["status"])

PATIENCE = 3.0
"""Seconds that LiveKit has for an answer."""


class Health(BaseModel):
    status: str


class Readiness(BaseModel):
    ready: bool
    ledger: bool
    livekit: bool


@router.get("/health")
async def health() -> Health:
    return Health(status="alive")


@router.get("/ready", response_model=Readiness, responses={503: {"model": Readiness}})
async def ready(desk: TheDesk) -> JSONResponse:
    """503 while the ledger or LiveKit does not answer."""
    ledger = await asyncio.to_thread(_answers, desk.engine)
    livekit = await _is_there(desk)
    able = ledger and livekit
    body = Readiness(ready=able, ledger=ledger, livekit=livekit)
    return JSONResponse(body.model_dump(), 200 if able else 503)


@router.get(
    "/metrics",
    response_class=Response,
    responses=documented() | {200: {"content": {"text/plain": {}}, "description": "Prometheus."}},
)
async def metrics(request: Request, key: Holder, desk: TheDesk) -> Response:
    """For Prometheus; any key will do."""
    own: Metrics = request.app.state.metrics
    await asyncio.to_thread(own.backlog.look, desk.engine, desk.now())
    pages = [generate_latest(each) for each in (own.registry, desk.beside) if each is not None]
    return Response(b"".join(pages), media_type=CONTENT_TYPE_LATEST)


def _answers(engine: Engine) -> bool:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return False
    return True


async def _is_there(desk: TheDesk) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            await desk.switchboard.answers()
    except (UnreachableError, TimeoutError):
        return False
    return True

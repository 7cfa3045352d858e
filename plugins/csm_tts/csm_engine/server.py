"""The engine as a server: the model behind a socket, an OpenAI route, health and metrics."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Protocol, runtime_checkable

from prometheus_client import CollectorRegistry
from starlette.websockets import WebSocket

from csm_engine.api.routes import routes
from csm_engine.config import Settings
from csm_engine.metrics import Metrics
from csm_engine.model import Model
from csm_engine.protocol import MAX_MESSAGE_BYTES, PATH, Failed, client_message
from csm_engine.session import Session
from csm_engine.shelf import Shelf
from csm_engine.speaker import Speaker
from csm_engine.watermark import load_stage
from parley_serving import Gate, RefusedError, Service, Socket, StartError, converse


@runtime_checkable
class Counts(Protocol):
    """A model with figures of its own, which `/metrics` shows beside the server's."""

    @property
    def metrics(self) -> CollectorRegistry: ...


def make_model(settings: Settings) -> Model:
    """Imports no more than the model needs: torch is of another extra. Raises StartError."""
    if settings.model == "rehearsal":
        from csm_engine.rehearsal import Rehearsal  # noqa: PLC0415

        return Rehearsal(settings.rehearsal)
    try:
        from csm_engine.csm_model import CsmModel  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise StartError(
            f"a CSM needs {error.name}: install livekit-plugins-csm-tts[engine], or set"
            " CSM_MODEL=rehearsal"
        ) from error
    return CsmModel(settings)


def make_service(model: Model, settings: Settings) -> Service:
    """What `parley_serving.build_app` needs. Call it on the thread that will run the event loop."""
    gate = Gate(settings.listen.max_sessions, model.has_room)
    registry = CollectorRegistry()
    if isinstance(model, Counts):
        registry.register(model.metrics)
    speaker = Speaker(model, Metrics(registry), settings.longest)
    shelf = Shelf()

    @contextlib.asynccontextmanager
    async def start() -> AsyncIterator[None]:
        speaker.stage = await asyncio.to_thread(load_stage, settings)
        async with model.running():
            await speaker.warm()
            try:
                yield
            finally:
                shelf.close()

    async def session(websocket: WebSocket) -> None:
        socket = Socket(websocket, client_message, MAX_MESSAGE_BYTES, stall=settings.stall)
        await converse(socket, Session(socket, speaker, shelf, gate.draining).run(), _failed)

    return Service(
        name="csm",
        model=model.name,
        gate=gate,
        start=start,
        socket_path=PATH,
        session=session,
        key=settings.listen.key,
        routes=routes(speaker, gate, settings),
        registry=registry,
        broken=lambda: model.broken,
    )


def _failed(error: RefusedError) -> Failed:
    return Failed(code=error.code, message=str(error), retryable=error.retryable)

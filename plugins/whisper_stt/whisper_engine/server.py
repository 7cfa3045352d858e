"""The engine as a server: the model behind a socket, health and metrics."""

from prometheus_client import CollectorRegistry
from starlette.websockets import WebSocket

from parley_serving import Gate, RefusedError, Service, Socket, converse
from whisper_engine.api.routes import routes
from whisper_engine.config import Settings
from whisper_engine.metrics import Metrics
from whisper_engine.model import Model
from whisper_engine.protocol import MAX_MESSAGE_BYTES, PATH, Failed, client_message
from whisper_engine.streaming.inbox import BEHIND
from whisper_engine.streaming.session import Session
from whisper_engine.streaming.stream import Shared


def make_model(settings: Settings, registry: CollectorRegistry) -> Model:
    """Imports no more than the model needs: PocketSphinx and CTranslate2 are of different extras."""
    if settings.model == "rehearsal":
        from whisper_engine.rehearsal.model import Rehearsal  # noqa: PLC0415

        return Rehearsal(settings.phrases, settings.rehearsal)
    from whisper_engine.whisper.model import Whisper  # noqa: PLC0415

    return Whisper(settings, registry)


def make_service(
    model: Model,
    settings: Settings,
    *,
    registry: CollectorRegistry | None = None,
    behind: float = BEHIND,
) -> Service:
    """What `parley_serving.build_app` needs. Call it on the thread that will run the event loop."""
    gate = Gate(settings.listen.max_sessions, lambda: model.has_room)
    registry = registry or CollectorRegistry()
    shared = Shared(model, Metrics(registry), gate.draining, pause=settings.pause, behind=behind)

    async def session(websocket: WebSocket) -> None:
        socket = Socket(websocket, client_message, MAX_MESSAGE_BYTES)
        await converse(socket, Session(socket, shared).run(), _failed)

    return Service(
        name="whisper",
        model=model.name,
        gate=gate,
        start=model.running,
        socket_path=PATH,
        session=session,
        routes=routes(shared, gate),
        key=settings.listen.key,
        registry=registry,
    )


def _failed(error: RefusedError) -> Failed:
    return Failed(code=error.code, message=str(error), retryable=error.retryable)

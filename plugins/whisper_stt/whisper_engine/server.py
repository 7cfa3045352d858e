"""The engine as a server: the model behind a socket, health and metrics."""

from prometheus_client import CollectorRegistry
from starlette.websockets import WebSocket

from parley_serving import Gate, RefusedError, Service, Socket, converse
from whisper_engine.config import Settings
from whisper_engine.metrics import Metrics
from whisper_engine.model import Model
from whisper_engine.protocol import MAX_MESSAGE_BYTES, PATH, Failed, client_message
from whisper_engine.streaming.inbox import BEHIND
from whisper_engine.streaming.session import Session
from whisper_engine.streaming.stream import Shared


def make_service(model: Model, settings: Settings, *, behind: float = BEHIND) -> Service:
    """What `parley_serving.build_app` needs. Call it on the thread that will run the event loop."""
    gate = Gate(settings.listen.max_sessions, lambda: model.has_room)
    registry = CollectorRegistry()
    shared = Shared(model, Metrics(registry), gate.draining, behind=behind)

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
        key=settings.listen.key,
        registry=registry,
    )


def _failed(error: RefusedError) -> Failed:
    return Failed(code=error.code, message=str(error), retryable=error.retryable)

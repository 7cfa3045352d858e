"""The engine as a server: the model behind a socket, health and metrics."""

import contextlib
import logging

from prometheus_client import CollectorRegistry
from starlette.websockets import WebSocket

from parley_serving import Gate, PeerGoneError, RefusedError, Service, Socket
from whisper_engine.config import Settings
from whisper_engine.inbox import BEHIND
from whisper_engine.metrics import Metrics
from whisper_engine.model import Model
from whisper_engine.protocol import MAX_MESSAGE_BYTES, PATH, Failed, client_message
from whisper_engine.session import Session
from whisper_engine.stream import Shared

logger = logging.getLogger(__name__)

_POLICY_VIOLATION = 1008


def make_service(model: Model, settings: Settings, *, behind: float = BEHIND) -> Service:
    """What `parley_serving.build_app` needs. Call it on the thread that will run the event loop."""
    gate = Gate(settings.listen.max_sessions)
    registry = CollectorRegistry()
    shared = Shared(model, Metrics(registry), gate.draining, behind)

    async def session(websocket: WebSocket) -> None:
        socket = Socket(websocket, client_message, MAX_MESSAGE_BYTES)
        try:
            await Session(socket, shared).run()
            await socket.close()
        except* PeerGoneError as gone:
            logger.info("client left", extra={"reason": str(gone.exceptions[0])})
        except* RefusedError as refused:
            await _refuse(socket, _first(refused))

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


async def _refuse(socket: Socket, error: RefusedError) -> None:
    logger.info("client refused", extra={"code": error.code})
    with contextlib.suppress(PeerGoneError):
        await socket.send(Failed(code=error.code, message=str(error), retryable=error.retryable))
    await socket.close(_POLICY_VIOLATION)


def _first(group: ExceptionGroup[RefusedError]) -> RefusedError:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, ExceptionGroup) else error

"""The engine's doors for OpenAI's clients, beside its own socket."""

from starlette.routing import BaseRoute, Route

from parley_serving import Gate
from whisper_engine.api import transcriptions
from whisper_engine.api.realtime import realtime_route
from whisper_engine.api.transcriptions import Transcriptions
from whisper_engine.api.uploads import Limits
from whisper_engine.streaming.stream import Shared


def routes(shared: Shared, gate: Gate, limits: Limits | None = None) -> list[BaseRoute]:
    """For `Service.routes`. A Realtime socket holds one of the gate's sessions, an upload none."""
    uploads = Transcriptions(shared.model, gate.draining, limits or Limits())
    return [
        Route(transcriptions.PATH, uploads, methods=["POST"]),
        realtime_route(shared, gate),
    ]

"""Both speech engines as Ray Serve applications: `parley_ray:csm` and `parley_ray:whisper`.

An engine is imported, and its model loaded, in the replica alone: Serve imports this file also where
neither is installed. Settings are the engines' own, of the environment that Ray was started in.
"""

import contextlib
import io
from typing import TYPE_CHECKING, TypeVar

from ray import serve
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

if TYPE_CHECKING:
    import csm_engine.config
    import whisper_engine.config
    from parley_serving import Service

    AnySettings = TypeVar("AnySettings", csm_engine.config.Settings, whisper_engine.config.Settings)


class Unprefixed:
    """Takes Serve's route prefix off a path: the engines know their doors without it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = scope.get("root_path", "")
        if prefix and scope["type"] in {"http", "websocket"}:
            path = scope["path"].removeprefix(prefix) or "/"
            scope = {**scope, "path": path, "root_path": ""}
        await self._app(scope, receive, send)


def csm_app() -> Starlette:
    """Raises StartError."""
    from csm_engine.config import Settings  # noqa: PLC0415
    from csm_engine.server import make_model, make_service  # noqa: PLC0415

    settings = _settings(Settings)
    return _app(make_service(make_model(settings), settings))


def whisper_app() -> Starlette:
    """Raises StartError."""
    from prometheus_client import CollectorRegistry  # noqa: PLC0415

    from whisper_engine.config import Settings  # noqa: PLC0415
    from whisper_engine.server import make_model, make_service  # noqa: PLC0415

    settings = _settings(Settings)
    registry = CollectorRegistry()
    return _app(make_service(make_model(settings, registry), settings, registry=registry))


def _settings(kind: "type[AnySettings]") -> "AnySettings":
    """Raises StartError, which `serve status` shows: an exit of the replica says nothing there."""
    from parley_serving import StartError, load_settings  # noqa: PLC0415

    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            settings = load_settings(kind)
    except SystemExit:
        raise StartError(told.getvalue().strip()) from None
    if settings.listen.key is None:
        prefix = kind.model_config.get("env_prefix", "")
        raise StartError(
            f"{prefix}LISTEN__KEY is not set: where Serve listens is not the engine's to know, so it"
            " wants a key even on loopback"
        )
    return settings


def _app(service: "Service") -> Starlette:
    from parley_serving import build_app  # noqa: PLC0415

    app = build_app(service)
    app.state.broken = service.broken
    app.add_middleware(Unprefixed)
    return app


class _Engine:
    app: Starlette
    """Serve's wrapper sets it."""

    async def check_health(self) -> None:
        """Raises once the engine will never serve again in its process: Serve starts another."""
        if reason := self.app.state.broken():
            raise RuntimeError(reason)


class Csm(_Engine):
    pass


class Whisper(_Engine):
    pass


csm = serve.deployment(name="csm")(serve.ingress(csm_app)(Csm)).bind()
whisper = serve.deployment(name="whisper")(serve.ingress(whisper_app)(Whisper)).bind()

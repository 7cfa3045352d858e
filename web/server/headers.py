"""Headers of every answer: what a browser may do with it."""

from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def policy(livekit_url: str | None) -> str:
    """The Content-Security-Policy: our own scripts and styles alone, and LiveKit besides us."""
    livekit = " ".join(_origins(livekit_url)) if livekit_url else ""
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "worker-src": "'self'",
        "style-src": "'self'",
        "font-src": "'self'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "connect-src": f"'self' {livekit}".strip(),
        "manifest-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _origins(url: str) -> list[str]:
    """LiveKit's client opens a socket, and asks over HTTP why that failed."""
    parts = urlsplit(url)
    secure = parts.scheme in {"wss", "https"}
    return [
        f"{scheme}://{parts.netloc}" for scheme in (("wss", "https") if secure else ("ws", "http"))
    ]


class SafeHeaders:
    def __init__(self, app: ASGIApp, livekit_url: str | None) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": policy(livekit_url),
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": "microphone=(self), camera=(), geolocation=()",
            "Cache-Control": "no-store",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers)

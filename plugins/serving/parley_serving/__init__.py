"""What Parley's speech engines share: an ASGI app with sockets, health, metrics and drain.

The same app runs bare (`serve`) and inside another ASGI host.
"""

from parley_serving.app import Service, StartError, build_app
from parley_serving.gate import Gate
from parley_serving.server import serve
from parley_serving.settings import ListenSettings, load_settings, settings_from
from parley_serving.socket import PeerGoneError, RefusedError, Socket, converse

__all__ = [
    "Gate",
    "ListenSettings",
    "PeerGoneError",
    "RefusedError",
    "Service",
    "Socket",
    "StartError",
    "build_app",
    "converse",
    "load_settings",
    "serve",
    "settings_from",
]

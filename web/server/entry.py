"""How a browser gets in: as whoever sits at this machine, by a password, or by an account."""

import hmac
import ipaddress
from dataclasses import dataclass, field
from typing import Literal

from pydantic import SecretStr
from starlette.requests import Request

from web.server.limits import Limiter
from web.server.links import Links
from web.server.oidc import Provider
from web.server.sessions import Sessions
from web.server.visitors import is_loopback_name

Way = Literal["none", "password", "oidc"]

COOKIE, SECURE_COOKIE = "parley", "__Host-parley"
"""The second is a name that browsers take from HTTPS alone."""


@dataclass(frozen=True)
class Entry:
    """`is_open`: a browser on this machine is let in without a login; without that, a password or a
    provider nobody is."""

    is_open: bool = False
    password: SecretStr | None = None
    provider: Provider | None = None
    links: Links | None = None
    sessions: Sessions = field(default_factory=Sessions)
    by_address: Limiter = field(default_factory=lambda: Limiter(rate=0.1, burst=5.0))
    in_all: Limiter = field(default_factory=lambda: Limiter(rate=0.5, burst=20.0))
    """Tries to sign in."""

    @property
    def way(self) -> Way:
        if self.is_open:
            return "none"
        return "oidc" if self.provider else "password"

    def admits(self, password: str) -> bool:
        if self.password is None:
            return False
        own = self.password.get_secret_value().encode()
        return hmac.compare_digest(own, password.encode(errors="replace"))


def cookie_name(request: Request) -> str:
    """Over plain HTTP a browser is let in on this machine alone."""
    return COOKIE if is_loopback_name(request.headers) else SECURE_COOKIE


def address(request: Request) -> str:
    """Of the client, for a limit: whoever has an IPv6 address has 2^64."""
    host = request.client.host if request.client else ""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return host
    return (
        host
        if isinstance(ip, ipaddress.IPv4Address)
        else str(ipaddress.ip_network(f"{ip}/64", strict=False))
    )

"""Who needs to sign in at the web server of this machine, and where it is."""

from parley.ports import Ports
from parley.probes import HOST
from parley.settings import Settings
from parley.wires import scheme_of
from parley_serving.settings import is_loopback

LINKS = "web-links"
"""In the run folder."""

ANYWHERE = frozenset({"0.0.0.0", "::"})


def has_login(settings: Settings) -> bool:
    return settings.web_password is not None or settings.web_oidc_issuer is not None


def needs_no_login(settings: Settings) -> bool:
    """Whoever sits at this machine is let in, where nobody else can come."""
    is_here = is_loopback(settings.web_host) and settings.web_public_url is None
    return is_here and not has_login(settings)


def address(settings: Settings, ports: Ports) -> str:
    """Of the pages, for a browser on this machine; without a path."""
    host = HOST if settings.web_host in ANYWHERE else settings.web_host
    host = f"[{host}]" if ":" in host else host
    return f"{scheme_of(settings)}://{host}:{settings.web_port or ports.web}"

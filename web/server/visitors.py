"""What a request's headers say of who sent it: a page of ours, another's, or no browser. Pure."""

from enum import Enum, auto
from urllib.parse import urlsplit

from starlette.datastructures import Headers

from parley_serving.settings import is_loopback

PROXIES = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via")
"""Headers of a request that came through somebody else."""


class Source(Enum):
    """`TYPED`: an address that somebody opened. `UNKNOWN`: a browser says more."""

    OURS = auto()
    FOREIGN = auto()
    TYPED = auto()
    UNKNOWN = auto()


def source(headers: Headers) -> Source:
    """By `Sec-Fetch-Site`, which no page can forge; where a browser lacks it, by `Origin`."""
    match headers.get("sec-fetch-site"):
        case "same-origin":
            return Source.OURS
        case "none":
            return Source.TYPED
        case None:
            pass
        case _:
            return Source.FOREIGN
    origin = headers.get("origin")
    if origin is None:
        return Source.UNKNOWN
    own = headers.get("host", "").lower()
    return Source.OURS if own and _netloc(origin) == own else Source.FOREIGN


def is_of_this_machine(headers: Headers) -> bool:
    """The name that was asked for is loopback's, and nobody stands between.

    Another name that leads here is another's page (DNS rebinding), or a proxy's.
    """
    if any(name in headers for name in PROXIES):
        return False
    origin = headers.get("origin")
    return is_loopback_name(headers) and (origin is None or _is_loopback(_netloc(origin)))


def is_loopback_name(headers: Headers) -> bool:
    """That of `Host`."""
    return _is_loopback(headers.get("host", ""))


def _netloc(origin: str) -> str:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _is_loopback(netloc: str) -> bool:
    try:
        name = urlsplit(f"//{netloc}").hostname
    except ValueError:
        return False
    return name is not None and is_loopback(name)

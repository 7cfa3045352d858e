"""Whom a load may be put on: this machine, and what its owner lists."""

import ipaddress
import socket
from collections.abc import Sequence

import psutil


class TargetError(Exception):
    """A load that would leave this machine; the message names the fix."""


def check(host: str, allowed: Sequence[str]) -> None:
    """`allowed` are hosts, as they are called. Raises `TargetError`."""
    if host in allowed or all(is_own(each) for each in _addresses(host)):
        return
    raise TargetError(
        f"{host} is not this machine: if it is yours, and may be loaded, "
        f"put it into PARLEY_LOAD_TARGETS"
    )


def is_own(address: str) -> bool:
    """Of one of this machine's interfaces."""
    given = ipaddress.ip_address(address)
    if given.is_loopback:
        return True
    found = (each.address for many in psutil.net_if_addrs().values() for each in many)
    return str(given) in {each.partition("%")[0] for each in found}


def _addresses(host: str) -> list[str]:
    """All that the name leads to."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    except OSError as error:
        raise TargetError(f"{host} leads nowhere: {error.strerror}") from None
    return [str(address[0]).partition("%")[0] for *_, address in found]

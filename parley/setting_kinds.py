"""Kinds of values that settings have."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field


def _words(given: object) -> object:
    return tuple(given.split()) if isinstance(given, str) else given


AbsolutePath = Annotated[Path, AfterValidator(Path.absolute)]
WebAddress = Annotated[str, Field(pattern=r"^https?://[^\s]{1,480}$")]
WebAddresses = Annotated[tuple[WebAddress, ...], BeforeValidator(_words)]
SocketAddress = Annotated[str, Field(pattern=r"^wss?://[^\s/]{1,480}$")]
Account = Annotated[str, Field(pattern=r"^[^@\s]*@[^@\s]+$", max_length=254)]
"""An address, or a domain as `@example.com`."""

Accounts = Annotated[tuple[Account, ...], BeforeValidator(_words)]

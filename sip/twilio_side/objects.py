"""Twilio's objects of a line, as far as they matter to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

Settings = Mapping[str, str | int | bool]
"""By the SDK's names; what is not set is empty."""


@dataclass(frozen=True)
class Named:
    """A list of credentials or addresses, a user, or a number: what Twilio calls it, and we."""

    sid: str
    name: str


@dataclass(frozen=True)
class Way:
    """An origination URL."""

    sid: str
    url: str
    settings: Settings


@dataclass(frozen=True)
class Trunk:
    """Our trunk, and what hangs on it."""

    sid: str
    settings: Settings
    recording: str
    ways: Sequence[Way]
    credential_lists: Sequence[Named]
    ip_lists: Sequence[Named]
    numbers: Sequence[Named]


@dataclass(frozen=True)
class CredentialList:
    sid: str
    users: Sequence[Named]


@dataclass(frozen=True)
class Address:
    sid: str
    network: str
    """As `192.0.2.0/24`."""


@dataclass(frozen=True)
class IpList:
    sid: str
    addresses: Sequence[Address]


@dataclass(frozen=True)
class Number:
    """A number that the account owns. `trunk` and `application` are SIDs, or empty."""

    sid: str
    trunk: str
    application: str
    settings: Settings


@dataclass(frozen=True)
class Trigger:
    """A usage trigger. `limit`: what it watches, which cannot be changed; None if unreadable."""

    sid: str
    limit: tuple[str, str, str, Decimal] | None
    callback_url: str


@dataclass(frozen=True)
class Found:
    """All of a line. `others`: the names and domains of the account's other trunks, by SID."""

    trunk: Trunk | None
    others: Mapping[str, tuple[str, str]]
    credential_list: CredentialList | None
    ip_list: IpList | None
    numbers: Mapping[str, Number]
    triggers: Sequence[Trigger]

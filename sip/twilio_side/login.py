"""Who asks Twilio, and the rules for what must be secret."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pydantic import SecretStr

from sip.changes import SideError

ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
KEY_SID = re.compile(r"SK[0-9a-fA-F]{32}")

SHORTEST_PASSWORD = 12
PASSWORD_RULE = "12 characters at least, with small and capital letters and a digit"
"""Twilio's, for SIP credentials."""


@dataclass(frozen=True)
class Login:
    """An account, and the token or API key that opens it."""

    account: str
    user: str
    """The account's SID, or the key's."""
    secret: SecretStr
    region: str | None = None
    edge: str | None = None

    @classmethod
    def from_secrets(cls, secrets: Mapping[str, str]) -> Self:
        """From TWILIO_… by their names. An API key goes before the token: it can be revoked alone.

        Raises `SideError`.
        """
        account = secrets.get("TWILIO_ACCOUNT_SID", "")
        if not ACCOUNT_SID.fullmatch(account):
            raise SideError(
                f"TWILIO_ACCOUNT_SID is {_wrong(account)}: it is AC and 32 hexadecimal digits, "
                "on the first page of Twilio's console"
            )
        user, secret = _key(secrets) or _token(secrets, account)
        region, edge = secrets.get("TWILIO_REGION"), secrets.get("TWILIO_EDGE")
        if region and not edge:
            # api.REGION.twilio.com is no more.
            raise SideError("TWILIO_REGION needs TWILIO_EDGE beside it, as ie1 needs dublin")
        return cls(account, user, SecretStr(secret), region or None, edge or None)


def _key(secrets: Mapping[str, str]) -> tuple[str, str] | None:
    key, secret = secrets.get("TWILIO_API_KEY"), secrets.get("TWILIO_API_SECRET")
    if not key and not secret:
        return None
    if not key or not secret:
        missing = "TWILIO_API_SECRET" if key else "TWILIO_API_KEY"
        raise SideError(f"{missing} is missing: an API key is a pair, made in Twilio's console")
    if not KEY_SID.fullmatch(key):
        raise SideError(f"TWILIO_API_KEY is {_wrong(key)}: it is SK and 32 hexadecimal digits")
    return key, secret


def _token(secrets: Mapping[str, str], account: str) -> tuple[str, str]:
    if token := secrets.get("TWILIO_AUTH_TOKEN"):
        return account, token
    raise SideError("TWILIO_AUTH_TOKEN is missing, or TWILIO_API_KEY with TWILIO_API_SECRET")


def _wrong(value: str) -> str:
    # Not shown: a token set under the wrong name would be.
    return "wrong" if value else "missing"


def trunk_password(secrets: Mapping[str, str], name: str) -> SecretStr:
    """The secret called `name`. Raises `SideError` for one that Twilio would not take."""
    password = secrets.get(name, "")
    if not password:
        raise SideError(f"{name} is missing: choose a password, {PASSWORD_RULE}")
    kinds = (str.islower, str.isupper, str.isdigit)
    strong = all(any(kind(letter) for letter in password) for kind in kinds)
    if len(password) < SHORTEST_PASSWORD or not strong:
        raise SideError(f"{name} is too weak: {PASSWORD_RULE}")
    return SecretStr(password)

"""What the parts of a plan are made from, and how each becomes a change."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import SecretStr

from sip.changes import Action, Change, SideError
from sip.line import DOMAIN, Line
from sip.twilio_side.account import Account
from sip.twilio_side.objects import Found, Settings

Request = Callable[[Any], Any]
"""What is done, given the SDK's client."""

Owner = Literal["trunk", "credential list", "IP access control list"]
"""Of our objects, those that others belong to."""

Fields = Mapping[str, tuple[str | None, str | None]]


@dataclass(frozen=True)
class Work:
    """One plan's. `sids` are those of our own objects, also of such as the plan makes."""

    account: Account
    line: Line
    found: Found
    password: SecretStr
    rotate: bool = False
    sids: dict[Owner, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = self.found
        owners: dict[Owner, Any] = {
            "trunk": found.trunk,
            "credential list": found.credential_list,
            "IP access control list": found.ip_list,
        }
        self.sids.update({kind: each.sid for kind, each in owners.items() if each})

    @property
    def domain(self) -> str:
        return f"{self.line.domain}.{DOMAIN}"

    def trunk(self, client: Any) -> Any:
        return client.trunking.v1.trunks(self.sid("trunk"))

    def credential_list(self, client: Any) -> Any:
        return client.sip.credential_lists(self.sid("credential list"))

    def ip_list(self, client: Any) -> Any:
        return client.sip.ip_access_control_lists(self.sid("IP access control list"))

    def sid(self, kind: Owner) -> str:
        if sid := self.sids.get(kind):
            return sid
        raise SideError(f"the {kind} was not made: run it again")

    def change(
        self, action: Action, kind: str, name: str, request: Request, fields: Fields | None = None
    ) -> Change:
        # What shall not be there may be gone already: somebody else was faster.
        may_be_gone = action in {"delete", "unlink"}

        async def apply() -> None:
            await self.account.do(request, may_be_gone=may_be_gone)

        return Change(action, kind, name, apply, fields or {})

    def creation(self, kind: Owner, request: Request, fields: Fields) -> Change:
        """Of an object that others belong to."""

        async def apply() -> None:
            self.sids[kind] = (await self.account.do(request)).sid

        return Change("create", kind, self.line.title, apply, fields)


def new(shall: Settings) -> Fields:
    return {key: (None, _shown(value)) for key, value in shall.items() if value != ""}


def drift(is_: Settings, shall: Settings) -> Fields:
    """What is not as it shall be."""
    return {
        key: (_shown(is_[key]), _shown(value)) for key, value in shall.items() if is_[key] != value
    }


def _shown(value: str | int | bool) -> str | None:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if value != "" else None

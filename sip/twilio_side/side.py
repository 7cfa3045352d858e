"""Twilio as a side of the line."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import SecretStr
from twilio.http import HttpClient  # type: ignore[import-untyped]

from sip.changes import Change
from sip.line import Line
from sip.twilio_side import access, numbers, trunk
from sip.twilio_side.account import Account
from sip.twilio_side.found import read
from sip.twilio_side.login import Login, trunk_password
from sip.twilio_side.work import Work


class TwilioSide:
    """A `sip.changes.Side`. Twilio does nothing twice by itself: what is there is found by name."""

    name = "twilio"

    def __init__(
        self, line: Line, account: Account, password: SecretStr, *, rotate: bool = False
    ) -> None:
        """`rotate`: every plan gives the user of the trunk `password` anew."""
        self.account = account
        self._line = line
        self._password = password
        self._rotate = rotate

    async def plan(self) -> Sequence[Change]:
        """Raises `SideError`: the account cannot be read, or something stands in the way."""
        work = await self._look()
        return [
            *trunk.trunk_changes(work),
            *trunk.way_changes(work),
            *access.credential_changes(work),
            *access.ip_changes(work),
            *trunk.recording_changes(work),
            *numbers.number_changes(work),
            *trunk.way_removals(work),
            *numbers.trigger_changes(work),
        ]

    async def plan_destroy(self) -> Sequence[Change]:
        """Raises `SideError`. Twilio keeps the domain of a trunk that was deleted for 30 days,
        for nobody: who makes the line again needs another."""
        work = await self._look()
        return [
            *(numbers.trigger_removal(work, each) for each in work.found.triggers),
            *numbers.number_clearing(work),
            *_off_the_trunk(work),
            *([access.ip_list_removal(work)] if work.found.ip_list else ()),
            *([access.credential_list_removal(work)] if work.found.credential_list else ()),
            *([trunk.trunk_removal(work)] if work.found.trunk else ()),
        ]

    async def _look(self) -> Work:
        found = await read(self.account, self._line)
        return Work(self.account, self._line, found, self._password, self._rotate)


def _off_the_trunk(work: Work) -> Iterator[Change]:
    if (ours := work.found.trunk) is None:
        return
    for number in ours.numbers:
        yield numbers.number_unlink(work, number)
    for ip_list in ours.ip_lists:
        yield access.ip_unlink(work, ip_list)
    for credential_list in ours.credential_lists:
        yield access.credential_unlink(work, credential_list)
    for way in ours.ways:
        yield trunk.way_removal(work, way)


def from_environment(
    line: Line,
    secrets: Mapping[str, str],
    *,
    rotate: bool = False,
    http: HttpClient | None = None,
) -> TwilioSide:
    """By TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or TWILIO_API_KEY and TWILIO_API_SECRET; the
    trunk's password by the name that `line.credentials.password` gives. TWILIO_REGION and
    TWILIO_EDGE as the SDK knows them. Asks nothing yet. Raises `SideError`."""
    login = Login.from_secrets(secrets)
    password = trunk_password(secrets, line.credentials.password)
    return TwilioSide(line, Account(login, http, [password]), password, rotate=rotate)

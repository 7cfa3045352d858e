"""Which calls are asked for: the filters of every route that takes more than one."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Query
from pydantic import AfterValidator, AwareDatetime, BeforeValidator

from agent.call import Outcome
from ledger.calls import Wanted
from sip.line import E164, PersonaName
from web.server.access import Reader, require
from web.server.keys import Scope

NUMERAL = re.compile(r"\s*[+-]?[\d._]*(?:[eE][+-]?\d+)?\s*")

State = Literal["idle", "connecting", "active", "stopping", "ended", "error"]
Direction = Literal["inbound", "outbound", "room", "console"]


def in_utc(given: datetime) -> datetime:
    try:
        return given.astimezone(UTC)
    except OverflowError:
        raise ValueError("a moment that no calendar has: give a year of this century") from None


def written_out(given: Any) -> Any:
    """A bare number would be taken for seconds since 1970."""
    if not isinstance(given, str) or NUMERAL.fullmatch(given):
        raise ValueError("write it as ISO 8601: 2026-03-02T09:30:00Z, a day as 2026-03-02")
    return given


Moment = Annotated[AwareDatetime, BeforeValidator(written_out), AfterValidator(in_utc)]


def _bare(given: str) -> str:
    text = given.replace("\0", "").strip()
    if not text:
        raise ValueError("nothing to look for: leave it away, or give a word")
    return text


Text = Annotated[str, AfterValidator(_bare)]


def wanted_calls(  # noqa: PLR0917  # FastAPI calls it by name
    key: Reader,
    since: Annotated[Moment | None, Query(description="Started then or later.")] = None,
    before: Annotated[Moment | None, Query(description="Started before.")] = None,
    persona: PersonaName | None = None,
    outcome: Outcome | None = None,
    number: Annotated[
        E164 | None, Query(description="Either end's; needs the scope `calls:numbers`.")
    ] = None,
    state: State | None = None,
    direction: Direction | None = None,
    test: Annotated[bool | None, Query(description="Only from the test room; or none.")] = None,
    text: Annotated[
        Text | None,
        Query(
            max_length=100,
            description="Somebody said it, in this form or in other case. Of digits, a number may "
            "end so, too; with digits it needs the scope `calls:numbers`.",
        ),
    ] = None,
) -> Wanted:
    """Filters that do not matter are left away."""
    if number or (text and any(char.isdecimal() for char in text)):
        require(key, Scope.CALLS_NUMBERS)  # or a number could be guessed
    return Wanted(
        since=since,
        before=before,
        persona=persona,
        outcome=outcome,
        number=number,
        state=state,
        direction=direction,
        test=test,
        text=text,
    )


WantedCalls = Annotated[Wanted, Depends(wanted_calls)]

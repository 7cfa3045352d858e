"""What came of an attempt to call somebody, and whether there shall be another."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from agent.call import Outcome
from sip.line import Outbound
from sip.transfer import BUSY, NOT_THERE

DECLINED = frozenset({603, 607})

_WORDS = {
    403: "the trunk refuses the call: look at its permissions and at the caller's number",
    404: "the number is not in use",
    484: "the number is incomplete",
    488: "no codec that both sides know",
    500: "the other side's network failed",
    503: "the trunk has no room for the call, or too many were placed a second",
}
_CREDENTIALS = frozenset({401, 407})


@dataclass(frozen=True)
class Result:
    """`placed` is False when the callee's telephone cannot have rung. `words` are for a person."""

    outcome: Outcome
    sip_code: int | None = None
    words: str = ""
    placed: bool = True


ANSWERED = Result(Outcome.ANSWERED)


def of_sip(code: int, phrase: str = "") -> Result:
    """A final SIP response to our INVITE that is no 2xx."""
    said = f"{code} {phrase}".strip()
    match code:
        case _ if code in BUSY:
            return Result(Outcome.BUSY, code, said)
        case _ if code in NOT_THERE:
            return Result(Outcome.NO_ANSWER, code, said)
        case _ if code in DECLINED:
            return Result(Outcome.DECLINED, code, said)
        case _ if code in _CREDENTIALS:
            words = "the trunk does not take our credentials"
        case _:
            words = _WORDS.get(code, "the call failed")
    return Result(Outcome.FAILED, code, f"{words} ({said})")


def again_at(result: Result, attempts: int, now: datetime, outbound: Outbound) -> datetime | None:
    """When to call again after `attempts`, or None: never.

    Who is busy or away is called again, and who was not called at all; who declined is not.
    """
    missed = result.outcome in {Outcome.BUSY, Outcome.NO_ANSWER} or not result.placed
    if not missed or attempts >= outbound.attempts:
        return None
    return now + timedelta(seconds=outbound.retry_after_seconds)

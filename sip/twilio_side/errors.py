"""What Twilio's refusals mean, and what to do about them."""

import json
from collections.abc import Iterable, Mapping
from typing import Self

import requests
from pydantic import SecretStr
from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]

from sip.changes import SECRET, SideError


class RefusedError(Exception):
    """An answer of HTTP 400 or more. `code` is Twilio's, `after` the seconds after which it wants
    to be asked again: None where it does not say."""

    def __init__(self, status: int, code: int | None, words: str, after: float | None) -> None:
        super().__init__(status, code)
        self.status = status
        self.code = code
        self.words = words
        self.after = after

    @classmethod
    def read(cls, status: int, body: str, headers: Mapping[str, str] | None) -> Self:
        try:
            told = json.loads(body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            told = {}
        words = str(told.get("message") or told.get("detail") or "without a reason")
        after = (headers or {}).get("Retry-After", "").strip()
        # Its other form, a date, Twilio does not use.
        seconds = float(after) if after.isdecimal() else None
        return cls(status, told.get("code"), words, seconds)


FAILURES = (RefusedError, requests.RequestException, TwilioException, ValueError, KeyError)
"""All that a request by the SDK raises. The last three: an answer that is not Twilio's."""

KEY_FIX = (
    "Twilio does not know these credentials: check TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN, or "
    "TWILIO_API_KEY and TWILIO_API_SECRET; a key may be revoked, or of another account or region"
)
ACCOUNT_FIX = "the account is not active: Twilio's console says why, mostly its balance"

FIXES: dict[int, str] = {
    20003: KEY_FIX,
    20005: ACCOUNT_FIX,
    20008: "test credentials cannot set up a line: use the account's live ones",
    21236: "the IP access control list is used by another trunk or SIP domain: unlink it there",
    21237: "the IP access control list is full: put fewer, larger networks into allowed_ips",
    21238: "Twilio does not take such an address: check allowed_ips",
    21239: "the account has as many credential lists as it may: delete one that nothing uses",
    21241: "the credential list is used by another trunk or SIP domain: unlink it there",
    21242: "the credential list is full: delete users that nobody needs",
    21244: "the account has as many trunks as it may (a trial account: one): delete one, or upgrade",
    21248: (
        "the domain is taken, by somebody else or by a trunk that was deleted in the last 30 days: "
        "choose another `domain`"
    ),
    21249: "the trunk has as many origination URLs as it may: give fewer in `origination`",
    21255: "the account has as many IP access control lists as it may: delete one nobody uses",
    21404: "a trial account cannot use this number: upgrade the account",
    21471: KEY_FIX,
    21472: ACCOUNT_FIX,
}
"""By Twilio's code: https://www.twilio.com/docs/api/errors. Those not here come with its own words."""

NOT_FOUND, TOO_MANY_REQUESTS, SERVER_ERROR = 404, 429, 500

STATUSES: dict[int, tuple[str, bool]] = {
    401: (KEY_FIX, False),
    403: ("the API key may not do this: give it the right, or use another", True),
    NOT_FOUND: (
        "it is not there any more, somebody else may be changing the line: run it again; "
        "if nothing is ever there, TWILIO_ACCOUNT_SID is of another account",
        False,
    ),
    409: ("somebody else is changing the line: run it again", True),
}
"""And whether Twilio's own words add to it."""


def is_gone(error: Exception) -> bool:
    return isinstance(error, RefusedError) and error.status == NOT_FOUND


def explain(error: Exception, hidden: Iterable[SecretStr]) -> SideError:
    """The same, with its fix. What is `hidden` is not in it, should Twilio quote it to us."""
    words = _words(error)
    for secret in filter(None, (each.get_secret_value() for each in hidden)):
        words = words.replace(secret, SECRET)
    return SideError(words)


def _words(error: Exception) -> str:
    match error:
        case requests.Timeout():
            return "Twilio did not answer in time; what was asked may be done: run it again"
        case requests.RequestException():
            kind = type(error).__name__
            return (
                f"Twilio cannot be reached ({kind}): check the network, the proxy, Twilio's status"
            )
        case RefusedError():
            return _refusal(error)
        case _:
            return "the answer is not Twilio's: a proxy may stand between"


def _refusal(error: RefusedError) -> str:
    if fix := FIXES.get(error.code or 0):
        return f"{fix} (Twilio {error.code})"
    if error.status >= SERVER_ERROR:
        return (
            f"Twilio is out of order (HTTP {error.status}): run it again later, what is done stays"
        )
    if error.status == TOO_MANY_REQUESTS:
        when = f"in {error.after:.0f} s" if error.after else "in a minute"
        return f"Twilio is asked too much at once by this account: run it again {when}"
    words, says_more = STATUSES.get(error.status, ("Twilio refuses", True))
    more = f" (https://www.twilio.com/docs/api/errors/{error.code})" if error.code else ""
    return f"{words}: {error.words}{more}" if says_more else words

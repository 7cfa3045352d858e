"""A Twilio account by the official SDK: one request at a time, patient where Twilio asks for it."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pydantic import SecretStr
from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.http_client import TwilioHttpClient  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from sip.twilio_side.errors import (
    FAILURES,
    TOO_MANY_REQUESTS,
    RefusedError,
    explain,
    is_gone,
)
from sip.twilio_side.login import Login

TIMEOUT = 10.0
"""Seconds for an answer."""

PATIENCE = 30.0
"""Seconds that a request waits in all because Twilio asks for it."""


def wait_before(attempt: int, after: float | None, waited: float) -> float | None:
    """Seconds before the request is made again; None if that is more than there is patience for.

    `attempt` counts from 0, `waited` is what has been waited before.
    """
    # A Retry-After of 0 would else be asked for ever.
    wait = float(2**attempt) if after is None else max(after, 1.0)
    return wait if waited + wait <= PATIENCE else None


class Account:
    """What the SDK can do, on a thread of its own: `do(lambda client: client.….list())`."""

    def __init__(
        self,
        login: Login,
        http: HttpClient | None = None,
        hidden: Sequence[SecretStr] = (),
    ) -> None:
        """`hidden`: more secrets that no error may quote."""
        self.sid = login.account
        self._hidden = (login.secret, *hidden)
        self._client = Client(
            login.user,
            login.secret.get_secret_value(),
            login.account,
            region=login.region,
            edge=login.edge,
            http_client=_Watched(http or http_client()),
            # Else the SDK would take what is not given here from os.environ.
            environment={"TWILIO_ACCOUNT_SID": login.account},
        )
        # One thread: the SDK's HTTP client keeps its last answer in itself.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="twilio")

    async def do(self, request: Callable[[Any], Any], *, may_be_gone: bool = False) -> Any:
        """What `request` returns, given the SDK's client; None for what `may_be_gone` and is.

        Cancelled, a request that is under way is still finished. Raises `SideError`.
        """
        attempt, waited = 0, 0.0
        while True:
            try:
                return await self._once(request)
            except FAILURES as error:
                if may_be_gone and is_gone(error):
                    return None
                wait = _patience(error, attempt, waited)
                if wait is None:
                    # Not chained: it may quote what was sent, or a number in a URL.
                    raise explain(error, self._hidden) from None
            await asyncio.sleep(wait)
            attempt, waited = attempt + 1, waited + wait

    async def _once(self, request: Callable[[Any], Any]) -> Any:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, request, self._client)


def _patience(error: Exception, attempt: int, waited: float) -> float | None:
    # Only of this does Twilio say that nothing was done.
    if isinstance(error, RefusedError) and error.status == TOO_MANY_REQUESTS:
        return wait_before(attempt, error.after, waited)
    return None


class _Watched(HttpClient):  # type: ignore[misc]
    """Keeps what the SDK's errors lose: code, words and when to come back."""

    def __init__(self, inner: HttpClient) -> None:
        super().__init__(inner.logger, is_async=False)
        self._inner = inner

    def request(self, *args: Any, **kwargs: Any) -> Any:
        response = self._inner.request(*args, **kwargs)
        if not response.ok:
            raise RefusedError.read(response.status_code, response.text, response.headers)
        return response


def http_client() -> TwilioHttpClient:
    """The SDK's, with a limit to its patience."""
    # At INFO it logs every URL, and with them numbers.
    logger = logging.getLogger(f"{__name__}.http")
    logger.setLevel(logging.WARNING)
    return TwilioHttpClient(timeout=TIMEOUT, logger=logger)

"""By the SDK's own HTTP client, down to the bytes that it would send."""

import base64
import logging
from io import BytesIO
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter

from sip.twilio_side.account import TIMEOUT, http_client
from tests.sip.twilio.lines import NUMBER, SECOND, do, side, whole_line
from tests.sip.twilio.mock import MockTwilio


class Wire(BaseAdapter):
    """Carries what requests has encoded to the mock, which knows it only as Twilio would."""

    def __init__(self, twilio: MockTwilio) -> None:
        super().__init__()
        self._twilio = twilio
        self.timeouts: list[object] = []

    def send(
        self, request: requests.PreparedRequest, *_: object, **options: Any
    ) -> requests.Response:
        self.timeouts.append(options["timeout"])
        parts = urlsplit(str(request.url))
        answer = self._twilio.request(
            str(request.method),
            parts._replace(query="").geturl(),
            params=dict(parse_qsl(parts.query)),
            data=_form(request),
            auth=_login(str(request.headers["Authorization"])),
        )
        response = requests.Response()
        response.status_code = answer.status_code
        response.raw = BytesIO(answer.text.encode())
        response.headers.update(answer.headers or {})
        return response

    def close(self) -> None:
        pass


def _form(request: requests.PreparedRequest) -> dict[str, str]:
    return dict(parse_qsl(str(request.body or ""), keep_blank_values=True))


def _login(header: str) -> tuple[str, str]:
    user, _, secret = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")
    return user, secret


async def test_a_line_is_made_and_removed(
    twilio: MockTwilio, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    http, wire = http_client(), Wire(twilio)
    http.session.mount("https://", wire)
    ours = side(whole_line(), http)

    await do(await ours.plan())
    assert await ours.plan() == []
    await do(await ours.plan_destroy())
    assert await ours.plan_destroy() == []

    assert set(wire.timeouts) == {TIMEOUT}
    # It would be there with its plus as %2B, too.
    assert not any(number.lstrip("+") in caplog.text for number in (NUMBER, SECOND))

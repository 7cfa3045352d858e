"""Twilio in memory, in the place of the SDK's HTTP client."""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from twilio.http import HttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]

from tests.sip.twilio.spec import Operation, load
from tests.sip.twilio.store import NUMBERS, Object, RefusalError, Store

ACCOUNT = "AC" + "a1" * 16
TOKEN = "0123456789abcdef0123456789abcdef"

SPECS = {"trunking": "twilio_trunking_v1.json", "api": "twilio_api_v2010.json"}
ROOT = re.compile(r"/v1/|/2010-04-01/Accounts/[^/]+/(?:Usage/)?")

CREATED = {"v1": "2026-01-02T11:23:45Z", "2010-04-01": "Fri, 02 Jan 2026 11:23:45 +0000"}


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    host: str
    path: str
    form: Mapping[str, Any] = field(repr=False)

    @property
    def is_change(self) -> bool:
        return self.method != "GET"


@dataclass(frozen=True)
class Fault:
    """What comes instead of an answer. `late`: Twilio does what it was asked, nobody hears of it."""

    status: int = 0
    code: int = 0
    words: str = "as the test wants it"
    headers: Mapping[str, str] = field(default_factory=dict)
    error: Exception | None = None
    late: bool = False

    def response(self) -> Response:
        if self.error:
            raise self.error
        return _refused(self.status, self.code, self.words, self.headers)


class MockTwilio(HttpClient):  # type: ignore[misc]
    """Every request and every answer is checked against Twilio's own OpenAPI description."""

    def __init__(self) -> None:
        super().__init__(logging.getLogger(__name__), is_async=False)
        self.store = Store()
        self.logins = {(ACCOUNT, TOKEN)}
        self.asked: list[Asked] = []
        self.on_change: dict[int, Fault] = {}
        """By the number of the change from now on, counted from 0."""
        self.on_read: dict[int, Fault] = {}

    def owns(self, number: str, **more: Any) -> Object:
        """The account has bought `number`."""
        given = {"phone_number": number, "friendly_name": number, **more}
        return self.store.create(NUMBERS, given)

    def fail(self, change: int, fault: Fault) -> None:
        """The change after so many others; counting begins anew."""
        self.asked.clear()
        self.on_change = {change: fault}

    def forget(self) -> None:
        self.asked.clear()
        self.on_change.clear()
        self.on_read.clear()

    @property
    def changes(self) -> list[Asked]:
        return [each for each in self.asked if each.is_change]

    def picture(self) -> list[str]:
        """All objects without what is another each time: SIDs."""
        text = [
            f"{path} {json.dumps({k: v for k, v in each.items() if not k.endswith('sid')})}"
            for path, objects in self.store.collections.items()
            for each in objects.values()
        ]
        return sorted(re.sub(r"([A-Z]{2})[0-9a-f]{32}", r"\1", line) for line in text)

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        data: Mapping[str, Any] | None = None,
        auth: tuple[str, str] | None = None,
        **_: object,
    ) -> Response:
        parts = urlsplit(url)
        asked = Asked(method, parts.netloc, parts.path, data or {})
        fault = self._fault(asked)
        self.asked.append(asked)
        if fault and not fault.late:
            return fault.response()
        if auth not in self.logins:
            return _refused(401, 20003, "Authenticate", {})
        spec = load(SPECS[parts.netloc.partition(".")[0]])
        operation = spec.operation(method, parts.path, _pairs(params), _pairs(data))
        response = self._answer(operation, asked, params or {})
        operation.check(response.status_code, response.text)
        return fault.response() if fault else response

    def _fault(self, asked: Asked) -> Fault | None:
        faults = self.on_change if asked.is_change else self.on_read
        same = sum(each.is_change == asked.is_change for each in self.asked)
        return faults.get(same)

    def _answer(self, operation: Operation, asked: Asked, query: Mapping[str, Any]) -> Response:
        path = ROOT.sub("", asked.path, count=1).removesuffix(".json")
        try:
            body = self._do(operation, asked, path, query)
        except RefusalError as error:
            return _refused(error.status, error.code, error.words, {})
        return Response(int(operation.success), json.dumps(body) if body is not None else "")

    def _do(
        self, operation: Operation, asked: Asked, path: str, query: Mapping[str, Any]
    ) -> Object | None:
        given = {_snake(key): value for key, value in operation.body.items()}
        if path.endswith("/Recording"):
            return self._recording(path, given)
        known = operation.schema.get("properties", {})
        match asked.method, operation.success:
            case "POST", "201":
                return _shown(self.store.create(path, given), known, asked)
            case "POST", _:
                return _shown(self.store.update(path, given), known, asked)
            case "DELETE", _:
                self.store.delete(path)
                return None
            case _:
                return self._page(operation, asked, path, query)

    def _page(
        self, operation: Operation, asked: Asked, path: str, query: Mapping[str, Any]
    ) -> Object:
        known = operation.schema["properties"]
        key = next(name for name, schema in known.items() if schema.get("type") == "array")
        item = operation.spec.resolve(known[key]["items"])["properties"]
        listed = [
            each
            for each in self.store.list(path)
            if query.get("PhoneNumber", "") in each.get("phone_number", "")
        ]
        paging = {"meta": {"key": key, "page": 0}} if "meta" in known else {"page": 0}
        return {key: [_shown(each, item, asked) for each in listed], **paging}

    def _recording(self, path: str, given: Object) -> Object:
        trunk = self.store.get(path.removesuffix("/Recording"))
        recording: Object = trunk["recording"]
        recording |= given
        return recording


def _shown(stored: Object, known: Mapping[str, Any], asked: Asked) -> Object:
    """With all that Twilio would tell: its own fields, and null where nothing is."""
    version = asked.path.split("/")[1]
    more = {"account_sid": ACCOUNT, "date_created": CREATED[version]}
    # By the letter of OpenAPI 3.0 an enum has no null unless it says so.
    nothing = {
        name: None
        for name, schema in known.items()
        if schema.get("nullable") and "enum" not in schema
    }
    return {**nothing, **{key: value for key, value in more.items() if key in known}, **stored}


def _refused(status: int, code: int, words: str, headers: Mapping[str, str]) -> Response:
    body = {"code": code, "message": words, "status": status}
    return Response(status, json.dumps(body), headers)


def _pairs(given: Mapping[str, Any] | None) -> tuple[tuple[str, str], ...]:
    return tuple((key, str(value)) for key, value in (given or {}).items())


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()

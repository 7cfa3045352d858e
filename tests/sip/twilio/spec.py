"""Twilio's own description of its API, which both sides of a talk must keep to."""

import json
import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlencode

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse

from tools.twilio_spec import FOLDER

Pairs = tuple[tuple[str, str], ...]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"


@dataclass(frozen=True)
class Operation:
    """One request, and what Twilio's description says of it."""

    name: str
    spec: "Spec"
    request: MockRequest
    body: Mapping[str, Any]
    """Of the form, by type."""
    success: str
    schema: Mapping[str, Any]
    """Of the answer to a success; empty if it has no body."""

    def check(self, status: int, body: str) -> None:
        """Raises what openapi-core does for an answer that Twilio would not give."""
        if body and str(status) == self.success and (self.name, body) not in self.spec.checked:
            response = MockResponse(body.encode(), status_code=status, content_type=JSON)
            self.spec.api.validate_response(self.request, response)
            self.spec.checked.add((self.name, body))


class Spec:
    """One file of it. Names that it does not know are errors, in queries, forms and answers."""

    def __init__(self, file: str) -> None:
        described = json.loads((FOLDER / file).read_text())
        self.server = described["servers"][0]["url"]
        self.schemas = described["components"]["schemas"]
        self._paths = {
            re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(path))): operations
            for path, operations in described["paths"].items()
        }
        self.api = OpenAPI.from_dict(_closed(described))
        self.checked: set[tuple[str, str]] = set()
        # The tests ask the same many times, and a look at it takes milliseconds.
        self.operation = cache(self._operation)

    def _operation(self, method: str, path: str, query: Pairs, form: Pairs) -> Operation:
        """Raises what openapi-core does for a request that Twilio's description does not know."""
        [described] = [
            operations[method.lower()]
            for pattern, operations in self._paths.items()
            if pattern.fullmatch(path)
        ]
        _check_names(dict(query), {each["name"] for each in described.get("parameters", ())})
        if "requestBody" in described:
            # Of forms openapi-core looks only at the names that it knows.
            taken = described["requestBody"]["content"][FORM]["schema"]
            _check_names(dict(form), set(taken["properties"]), set(taken.get("required", ())))
        request = MockRequest(
            self.server,
            method.lower(),
            path,
            args=dict(query),
            headers={"Authorization": "Basic ZHVtbXk6ZHVtbXk="},
            data=urlencode(form).encode() if method == "POST" else None,
            content_type=FORM if method == "POST" else "",
        )
        self.api.validate_request(request)
        body = self.api.unmarshal_request(request).body or {}
        [success] = described["responses"]
        content = described["responses"][success].get("content", {})
        schema = self.resolve(content[JSON]["schema"]) if content else {}
        return Operation(described["operationId"], self, request, body, success, schema)

    def resolve(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        reference = schema.get("$ref")
        return self.schemas[reference.rpartition("/")[2]] if reference else schema


def _check_names(given: Mapping[str, str], known: Set[str], needed: Set[str] = frozenset()) -> None:
    assert given.keys() <= known, f"unknown: {given.keys() - known}"
    assert needed <= given.keys(), f"missing: {needed - given.keys()}"


@cache
def load(file: str) -> Spec:
    return Spec(file)


def _closed(part: Any) -> Any:
    if isinstance(part, list):
        return [_closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    closed = {key: _closed(each) for key, each in part.items()}
    if closed.get("type") == "object" and isinstance(closed.get("properties"), dict):
        closed["additionalProperties"] = False
    return closed

"""An endpoint that a persona declares. The host is the declaration's; a model fills in arguments."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp
from livekit.agents import RunContext
from pydantic import BaseModel
from yarl import URL

from agent.tools.declared import SECRET_PREFIX
from agent.tools.guard import ToolFailure, Work
from agent.tools.kinds import Http
from agent.tools.schema import checker

IN_QUERY = frozenset({"GET", "DELETE"})
OK = range(200, 300)
ELSEWHERE = range(300, 400)
HTML = (b"<!doctype html", b"<html")


def asking(declared: Http, secrets: Mapping[str, str], kept: Mapping[str, str]) -> Work:
    """`kept` has the digits that other tools have collected, by the tool's name."""
    model = checker(declared.parameters, declared.name)

    async def ask(_: RunContext[None], arguments: BaseModel) -> object:
        given = arguments.model_dump(by_alias=True, exclude_none=True)
        for argument, collector in declared.collected.items():
            if collector not in kept:
                raise ToolFailure("not_collected", f"Use {collector} first.")
            given[argument] = kept[collector]
        return await _request(declared, given, _headers(declared, secrets))

    schema = declared.parameters.model_dump(by_alias=True, exclude_defaults=True, mode="json")
    shown = {"type": "object", "properties": {}, **schema, "additionalProperties": False}
    return Work(
        declared.name,
        declared.description,
        model,
        ask,
        limit=declared.timeout_seconds,
        schema=shown,
    )


async def _request(declared: Http, given: dict[str, Any], headers: dict[str, str]) -> object:
    url, rest = _address(declared.url, given)
    if declared.method in IN_QUERY:
        url, body = url.extend_query({key: _plain(value) for key, value in rest.items()}), None
    else:
        body = rest
    try:
        async with (
            aiohttp.ClientSession(headers=headers, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.request(declared.method, url, json=body, allow_redirects=False) as answer,
        ):
            return await _read(answer, declared.max_bytes)
    except aiohttp.ClientError as error:
        raise ToolFailure(
            "unreachable", "The service cannot be reached. Tell the caller."
        ) from error


def _address(template: str, given: dict[str, Any]) -> tuple[URL, dict[str, Any]]:
    """The URL with arguments in its path, and those that had no place there.

    An argument is one part of the path, whatever is in it: it cannot lead to another.
    """
    rest = {}
    for key, value in given.items():
        place = f"{{{key}}}"
        if place not in template:
            rest[key] = value
            continue
        part = str(_plain(value))
        if part in {".", "..", ""}:
            raise ToolFailure("bad_arguments", f"{key}: cannot be {part!r}")
        template = template.replace(place, quote(part, safe=""))
    return URL(template, encoded=True), rest


def _plain(value: object) -> str | int | float:
    """As a query or a path has it."""
    if isinstance(value, bool | list):
        return json.dumps(value)
    assert isinstance(value, str | int | float)
    return value


def _headers(declared: Http, secrets: Mapping[str, str]) -> dict[str, str]:
    headers = {"Accept": "application/json, text/plain"}
    if declared.secret:
        secret = secrets.get(SECRET_PREFIX + declared.secret, "")
        bearer = declared.secret_header.lower() == "authorization"
        headers[declared.secret_header] = f"Bearer {secret}" if bearer else secret
    return headers


async def _read(answer: aiohttp.ClientResponse, limit: int) -> object:
    """JSON or plain text, whole. What is wrong with it is said in a sentence, never shown."""
    if answer.status in ELSEWHERE:
        raise ToolFailure("redirect", "The service points elsewhere, which is not followed.")
    if answer.status not in OK:
        raise ToolFailure("status", f"The service answered with status {answer.status}.")
    data = await _at_most(answer.content, limit)
    kind = answer.content_type
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return json.loads(data)
        except ValueError as error:
            raise ToolFailure("bad_answer", "The service did not answer with JSON.") from error
    if kind != "text/plain" or data.lstrip().lower().startswith(HTML):
        raise ToolFailure("bad_answer", f"The service answered with {kind}, not JSON or text.")
    return data.decode("utf-8", errors="replace")


async def _at_most(content: aiohttp.StreamReader, limit: int) -> bytes:
    data = b""
    async for piece in content.iter_any():
        data += piece
        if len(data) > limit:
            raise ToolFailure("too_long", f"The service answered with more than {limit} bytes.")
    return data

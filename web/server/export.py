"""Calls as files: what a page of them, or one, offers to be taken away."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import Response, StreamingResponse

from ledger.calls import read_call, read_calls
from ledger.export import csv_lines, json_lines, text_lines
from web.server.access import Reader, require
from web.server.calls import CallId, no_such_call
from web.server.desk import TheDesk
from web.server.errors import documented
from web.server.events import HIDDEN
from web.server.keys import Key, Scope
from web.server.wanted import WantedCalls

router = APIRouter(prefix="/v1", tags=["calls"])


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"
    TEXT = "text"


Lines = Callable[[Iterable[Mapping[str, Any]]], Iterator[str]]

KINDS: Mapping[Format, tuple[str, str, Lines]] = {
    Format.JSON: ("application/x-ndjson", "jsonl", json_lines),
    Format.CSV: ("text/csv; charset=utf-8", "csv", csv_lines),
    Format.TEXT: ("text/plain; charset=utf-8", "txt", text_lines),
}
"""Media type, the end of the file's name, how it is written."""

Form = Annotated[Format, Query(alias="format")]
Numbers = Annotated[
    bool,
    Query(description="Telephone and card numbers as they are; needs `calls:numbers`."),
]

FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {kind[0]: {} for kind in KINDS.values()}, "description": "A file."}
}


@router.get("/export", response_class=Response, responses=documented() | FILE)
def export_calls(
    desk: TheDesk, key: Reader, wanted: WantedCalls, form: Form, numbers: Numbers = False
) -> StreamingResponse:
    """Calls with their transcripts, the oldest first, as they are read: JSON a line each, a table,
    or text. Numbers are masked unless asked for."""
    _may_see(key, numbers)
    calls = read_calls(desk.engine, wanted, numbers=numbers)
    return _file("calls", form, calls)


@router.get("/calls/{call_id}/export", response_class=Response, responses=documented(404) | FILE)
def export_call(
    desk: TheDesk, key: Reader, call_id: CallId, form: Form, numbers: Numbers = False
) -> StreamingResponse:
    """One call, in the same shapes."""
    _may_see(key, numbers)
    found = read_call(desk.engine, call_id, numbers=numbers)
    if found is None:
        raise no_such_call()
    return _file("".join(char if char.isalnum() else "-" for char in call_id), form, [found])


def _may_see(key: Key, numbers: bool) -> None:
    if numbers:
        require(key, Scope.CALLS_NUMBERS)


def _file(name: str, form: Format, calls: Iterable[Mapping[str, Any]]) -> StreamingResponse:
    kind, end, lines = KINDS[form]
    named = {"Content-Disposition": f'attachment; filename="{name}.{end}"'}
    ours = (_without_machines(call) for call in calls)
    return StreamingResponse(
        lines(ours), headers=named | {"Cache-Control": "no-store"}, media_type=kind
    )


def _without_machines(call: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in call.items() if name not in HIDDEN}

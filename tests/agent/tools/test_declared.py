"""What a persona may declare, and how a bad declaration is refused."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from agent.tools.declared import BadToolError, check, parse
from agent.tools.kinds import Http
from agent.tools.schema import ArgumentsSchema, checker

TRANSFER = {"type": "transfer", "transfers": {"desk": "+15550100"}}
PIN = {"type": "collect_digits", "name": "pin", "description": "When a PIN is needed."}
ORDER = {
    "type": "http",
    "name": "order_state",
    "description": "State of an order.",
    "url": "https://shop.example/orders/{order}",
    "parameters": {
        "type": "object",
        "properties": {"order": {"type": "string", "pattern": "^[0-9]+$"}},
        "required": ["order"],
    },
}
CALENDAR = {
    "type": "calendar",
    "file": "calendar.yaml",
    "timezone": "Europe/Berlin",
    "hours": {"monday": ["09:00-12:00"]},
}


@pytest.mark.parametrize(
    ("tools", "place", "problem"),
    [
        ([{"type": "fax"}], (0, "type"), "does not match any of the expected tags"),
        ([{}], (0, "type"), "Unable to extract tag"),
        ([TRANSFER, {"type": "end_call", "politely": True}], (1, "politely"), "Extra inputs"),
        ([{**TRANSFER, "transfers": {"desk": "911"}}], (0, "transfers", "desk"), "pattern"),
        ([{**TRANSFER, "transfers": {}}], (0, "transfers"), "at least 1"),
        ([TRANSFER, TRANSFER], (1,), "'transfer_call' already"),
        ([{"type": "keys"}], (0,), "names no key"),
        ([{"type": "keys", "stop": "#", "human": "#", "to": "desk"}], (0,), "same key"),
        ([{"type": "keys", "human": "0"}], (0,), "need each other"),
        ([TRANSFER, {"type": "keys", "human": "0", "to": "boss"}], (1, "to"), "'boss' is not"),
        ([{"type": "keys", "stop": "#"}] * 2, (1, "type"), "once"),
        ([{**PIN, "min_digits": 9, "max_digits": 4}], (0,), "more than"),
        ([{**PIN, "show_last": 2}], (0,), "for masked digits"),
        ([{**PIN, "masked": True, "show_last": 1}], (0,), "would show all"),
        ([{**CALENDAR, "timezone": "Europe/Harbor"}], (0, "timezone"), "no such time zone"),
        ([{**CALENDAR, "hours": {"monday": ["12:00-09:00"]}}], (0, "hours"), "go forward"),
        ([{"type": "transfer"}], (0, "transfers"), "Field required"),
        ([{**CALENDAR, "hours": {"Monday": []}}], (0, "hours", "Monday"), "Input should be"),
        ([{**ORDER, "url": "https://{order}/"}], (0,), "host must be fixed"),
        ([{**ORDER, "url": "https://key@shop.example/"}], (0,), "host must be fixed"),
        ([{**ORDER, "url": "file:///etc/passwd"}], (0,), "must be http"),
        ([{**ORDER, "url": "https://shop.example/{other}"}], (0,), "not a required argument"),
        ([{**ORDER, "collected": {"pin": "pin"}}], (0, "collected", "pin"), "no tool collects"),
        ([PIN, {**ORDER, "collected": {"order": "pin"}}], (1,), "model's too"),
        ([{"type": "mcp", "allow": ["a"]}], (0,), "one of"),
        ([{"type": "mcp", "allow": [], "url": "https://a.example"}], (0, "allow"), "at least 1"),
        ([{"type": "python", "function": "os.system"}], (0, "function"), "pattern"),
    ],
)
def test_a_bad_declaration_is_refused_with_its_place(
    tools: list[dict[str, Any]], place: tuple[int | str, ...], problem: str
) -> None:
    with pytest.raises(BadToolError, match=problem) as caught:
        parse(tools)
    assert caught.value.place == place


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        ({"type": "object", "properties": {"a": {"type": "null"}}}, ("properties", "a", "type")),
        (
            {"properties": {"a": {"type": "string", "format": "date"}}},
            ("properties", "a", "format"),
        ),
        ({"properties": {"a": {"type": "string", "pattern": "("}}}, ("properties", "a")),
        ({"properties": {}, "required": ["a"]}, ()),
        ({"additionalProperties": True}, ("additionalProperties",)),
    ],
)
def test_a_schema_that_could_not_be_checked_is_refused(
    schema: dict[str, Any], place: tuple[str, ...]
) -> None:
    with pytest.raises(BadToolError) as caught:
        parse([{**ORDER, "url": "https://shop.example/", "parameters": schema}])
    assert caught.value.place == (0, "parameters", *place)


def test_what_is_declared_is_known_by_its_names() -> None:
    declared = parse([TRANSFER, PIN, ORDER, CALENDAR, {"type": "python", "function": "shop:price"}])
    assert [name for tool in declared for name in tool.names()] == [
        "transfer_call",
        "pin",
        "order_state",
        "find_free_times",
        "book_appointment",
        "price",
    ]


SCHEMA = ArgumentsSchema.model_validate(
    {
        "properties": {
            "name": {"type": "string", "minLength": 2},
            "size": {"type": "string", "enum": ["small", "large"]},
            "count": {"type": "integer", "minimum": 1, "maximum": 9},
            "gift": {"type": "boolean"},
            "prices": {"type": "array", "items": {"type": "number"}, "maxItems": 2},
        },
        "required": ["name"],
    }
)


def test_arguments_that_fit_are_taken_as_they_are() -> None:
    given = {"name": "Ann", "size": "small", "count": 2, "gift": False, "prices": [1, 2.5]}
    taken = checker(SCHEMA, "order").model_validate(given)
    assert taken.model_dump(by_alias=True) == given


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"name": "A"},
        {"name": 5},
        {"name": "Ann", "size": "huge"},
        {"name": "Ann", "count": "2"},
        {"name": "Ann", "count": 0},
        {"name": "Ann", "count": True},
        {"name": "Ann", "gift": "yes"},
        {"name": "Ann", "prices": [1, 2, 3]},
        {"name": "Ann", "prices": ["1"]},
        {"name": "Ann", "admin": True},
        {"name": "x" * 2001},
    ],
)
def test_arguments_that_do_not_fit_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        checker(SCHEMA, "order").model_validate(wrong)


def test_what_a_declaration_names_must_be_there(tmp_path: Path) -> None:
    secret = {**ORDER, "secret": "SHOP"}
    with pytest.raises(BadToolError, match="AGENT_SECRET_SHOP is not set") as caught:
        check([secret], tmp_path, {})
    assert caught.value.place == (0, "secret")
    check([secret], tmp_path, {"AGENT_SECRET_SHOP": "s3cret"})
    with pytest.raises(BadToolError, match="no such folder"):
        check([{"type": "knowledge", "folder": "papers"}], tmp_path, {})
    with pytest.raises(BadToolError, match="no such folder"):
        check([{**CALENDAR, "file": "away/calendar.yaml"}], tmp_path, {})
    (tmp_path / "papers").write_text("")
    with pytest.raises(BadToolError, match="is a file"):
        check([{"type": "take_message", "folder": "papers"}], tmp_path, {})


def test_a_refusal_names_the_tool_and_the_key() -> None:
    with pytest.raises(BadToolError) as caught:
        parse([PIN, {**ORDER, "timeout_seconds": 900}])
    assert isinstance(parse([ORDER])[0], Http)
    assert str(caught.value).startswith("tools.1.timeout_seconds: ")

from typing import Any

import pytest

from tools.twilio_spec import cut


def spec() -> dict[str, Any]:
    answer = {
        "description": "Fine.",
        "headers": {"X": {}},
        "content": {"a/b": {"schema": ref("A")}},
    }
    return {
        "openapi": "3.0.1",
        "info": {"title": "T", "version": "1", "description": "Long."},
        "servers": [{"url": "https://example.com"}],
        "paths": {
            "/a": {"description": "A.", "get": {"summary": "G.", "responses": {"200": answer}}},
            "/b": {"get": {"responses": {"200": {"description": "B."}}}},
        },
        "components": {
            "schemas": {
                "A": {"properties": {"description": {"description": "Of it.", "type": "string"}}}
                | {"items": ref("B")},
                "B": {"type": "integer", "x-twilio": 1, "example": 3},
                "C": {},
            },
            "securitySchemes": {"s": {"type": "http"}},
        },
    }


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def test_what_a_path_leads_to_is_kept_and_nothing_else() -> None:
    kept = cut(spec(), frozenset({"/a"}))

    assert kept["paths"] == {
        "/a": {
            "get": {
                "responses": {"200": {"content": {"a/b": {"schema": ref("A")}}, "description": ""}}
            }
        }
    }
    assert kept["components"]["schemas"] == {
        "A": {"properties": {"description": {"type": "string"}}, "items": ref("B")},
        "B": {"type": "integer"},
    }


def test_a_path_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError, match="/c"):
        cut(spec(), frozenset({"/c"}))

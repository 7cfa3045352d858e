"""What a row may hold: neither database refuses what comes out of here. Pure."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy import String

from ledger.tables import Base


def fitting(table: type[Base], values: Mapping[str, Any]) -> dict[str, Any]:
    """Text without what PostgreSQL cannot hold, no longer than its column; numbers that JSON has."""
    return {name: _fitting(value, _length(table, name)) for name, value in values.items()}


def _length(table: type[Base], column: str) -> int | None:
    kind = table.__table__.columns[column].type
    return kind.length if isinstance(kind, String) else None


def _fitting(value: Any, length: int | None) -> Any:
    match value:
        case str():
            return value.replace("\0", "").encode(errors="replace").decode()[:length]
        case float() if not math.isfinite(value):
            return None
        case Mapping():
            return {_fitting(str(key), None): _fitting(each, None) for key, each in value.items()}
        case list() | tuple():
            return [_fitting(each, None) for each in value]
    return value

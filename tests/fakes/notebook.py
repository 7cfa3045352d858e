"""A ledger that is a list."""

from typing import Any

from ledger.tables import Base, CallRow


class Notebook:
    """`rows` by table, as they are now; `call` is the only call's row."""

    def __init__(self) -> None:
        self.rows: dict[type[Base], dict[object, dict[str, Any]]] = {}
        self.closed = False

    def add(self, table: type[Base], **values: Any) -> int:
        rows = self.rows.setdefault(table, {})
        key = len(rows)
        rows[values.get("id", key)] = values
        return key

    def change(self, table: type[Base], key: int, **values: Any) -> None:
        self.rows[table][key].update(values)

    def call(self, call_id: str, **values: Any) -> None:
        self.rows[CallRow][call_id].update(values)

    def settle(self, timeout: float) -> bool:
        return True

    def close(self, timeout: float) -> None:
        self.closed = True

    def of(self, table: type[Base]) -> list[dict[str, Any]]:
        return list(self.rows.get(table, {}).values())

    @property
    def only_call(self) -> dict[str, Any]:
        (row,) = self.of(CallRow)
        return row

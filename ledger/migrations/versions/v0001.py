"""The tables as they began. What is written here no longer changes; the next version alters it."""

import sqlalchemy as sa
from alembic import op

revision = "v0001"
down_revision = None


def upgrade() -> None:
    _calls()
    _of_call(
        "legs",
        sa.Column("identity", sa.String(128), nullable=False),
        sa.Column("sip_call_id", sa.String(128)),
        sa.Column("number", sa.String(32)),
        _moment("joined_at"),
        _moment("left_at", nullable=True),
    )
    _of_call(
        "events",
        _moment("at"),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
    )
    _of_call(
        "turns",
        _moment("at"),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("interrupted", sa.Boolean, nullable=False),
        sa.Column("latencies", sa.JSON, nullable=False),
    )
    _of_call(
        "tool_calls",
        _moment("at"),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("arguments", sa.JSON, nullable=False),
        sa.Column("result", sa.Text),
        sa.Column("failed", sa.Boolean, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
    )
    for table in ("events", "turns"):
        op.create_index(f"{table}_of_call", table, ["call_id", "at"])
    for table in ("legs", "tool_calls"):
        op.create_index(f"ix_{table}_call_id", table, ["call_id"])
    _dials()


def _calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String(128), primary_key=True),
        sa.Column("direction", sa.String(16), nullable=False),
        sa.Column("persona", sa.String(64), nullable=False, index=True),
        sa.Column("from_number", sa.String(32), index=True),
        sa.Column("to_number", sa.String(32), index=True),
        sa.Column("room", sa.String(128), nullable=False, index=True),
        sa.Column("worker", sa.String(128), nullable=False),
        sa.Column("test", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        _moment("started_at", index=True),
        _moment("answered_at", nullable=True),
        _moment("seen_at", index=True),
        _moment("ended_at", nullable=True, index=True),
        sa.Column("outcome", sa.String(32), index=True),
        sa.Column("end_reason", sa.Text),
        sa.Column("heard_seconds", sa.Double, nullable=False),
        sa.Column("spoken_seconds", sa.Double, nullable=False),
        sa.Column("usage", sa.JSON, nullable=False),
        sa.Column("recording", sa.Text),
        sa.Column("summary", sa.Text),
        sa.Column("extracted", sa.JSON),
    )


def _dials() -> None:
    op.create_table(
        "dials",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("to_number", sa.String(32), nullable=False, index=True),
        sa.Column("from_number", sa.String(32), nullable=False),
        sa.Column("persona", sa.String(64), nullable=False),
        sa.Column("vars", sa.JSON, nullable=False),
        _moment("asked_at"),
        _moment("due_at"),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("claimed_by", sa.String(128)),
        _moment("claimed_at", nullable=True),
        sa.Column("call_id", sa.String(128)),
        sa.Column("outcome", sa.String(32)),
        sa.Column("sip_code", sa.Integer),
        sa.Column("words", sa.Text),
    )
    op.create_index("dials_due", "dials", ["state", "due_at"])


def _of_call(name: str, *columns: sa.Column) -> None:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    call = sa.ForeignKey("calls.id", ondelete="CASCADE")
    op.create_table(
        name,
        sa.Column("id", key, primary_key=True),
        sa.Column("call_id", sa.String(128), call, nullable=False),
        *columns,
    )


def _moment(name: str, *, nullable: bool = False, index: bool = False) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, index=index)

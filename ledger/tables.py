"""The tables of the ledger. Times are UTC; durations are seconds; numbers are E.164."""

from datetime import UTC, datetime
from typing import Annotated, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite forgets the zone: it is given back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("a moment needs its zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=value.tzinfo or UTC)


Id = Annotated[int, mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True)]
"""Given by the database, or by who writes the row: what is written twice then stands once."""


class Base(DeclarativeBase):
    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


class CallRow(Base):
    """One call. `outcome` is None while it goes on, or if its worker died: the reaper closes those."""

    __tablename__ = "calls"
    __table_args__ = (
        Index("calls_spent", "answered_at", "ended_at", "line_seconds", "cost"),
        Index("calls_by_persona", "persona", "started_at"),
        Index("calls_by_outcome", "outcome", "started_at"),
    )

    id: Mapped[str] = mapped_column(String(128), primary_key=True)
    direction: Mapped[str] = mapped_column(String(16))
    persona: Mapped[str] = mapped_column(String(64))
    from_number: Mapped[str | None] = mapped_column(String(32), index=True)
    to_number: Mapped[str | None] = mapped_column(String(32), index=True)
    room: Mapped[str] = mapped_column(String(128), index=True)
    worker: Mapped[str] = mapped_column(String(128))
    test: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16))
    started_at: Mapped[datetime] = mapped_column(index=True)
    answered_at: Mapped[datetime | None]
    seen_at: Mapped[datetime] = mapped_column(index=True)
    """Its worker was alive then."""
    ended_at: Mapped[datetime | None] = mapped_column(index=True)
    outcome: Mapped[str | None] = mapped_column(String(32))
    end_reason: Mapped[str | None] = mapped_column(Text)
    heard_seconds: Mapped[float] = mapped_column(default=0.0)
    spoken_seconds: Mapped[float] = mapped_column(default=0.0)
    usage: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """Costs by part: seconds of hearing and speaking, tokens of thinking, seconds of the line."""
    line_seconds: Mapped[float | None]
    """That the caller was on the line; None as long as the call goes on."""
    cost: Mapped[float | None]
    """By the prices of the day, in their currency; None without prices."""
    place: Mapped[str | None] = mapped_column(String(16))
    """Of those that admission gives: `ledger.places.Place`; None where it has not decided."""
    carrier_call_id: Mapped[str | None] = mapped_column(String(64), index=True)
    """As the telephone company names it: Twilio's CallSid."""
    recording: Mapped[str | None] = mapped_column(Text)
    summary: Mapped[str | None] = mapped_column(Text)
    extracted: Mapped[dict[str, Any] | None]


class LegRow(Base):
    """One end of a call: the caller, a person it was transferred to."""

    __tablename__ = "legs"

    id: Mapped[Id]
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    identity: Mapped[str] = mapped_column(String(128))
    sip_call_id: Mapped[str | None] = mapped_column(String(128))
    number: Mapped[str | None] = mapped_column(String(32))
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]


class EventRow(Base):
    """What happened in a call: a change of its state, an interruption, an apology, a key."""

    __tablename__ = "events"
    __table_args__ = (Index("events_of_call", "call_id", "at"),)

    id: Mapped[Id]
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[str] = mapped_column(String(32))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class TurnRow(Base):
    """What one side said, as it was heard, and how long each part took."""

    __tablename__ = "turns"
    __table_args__ = (Index("turns_of_call", "call_id", "at"),)

    id: Mapped[Id]
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    role: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(Text)
    interrupted: Mapped[bool] = mapped_column(default=False)
    latencies: Mapped[dict[str, Any]] = mapped_column(default=dict)


class ToolCallRow(Base):
    """What the model asked a tool for, and what came of it."""

    __tablename__ = "tool_calls"

    id: Mapped[Id]
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    tool: Mapped[str] = mapped_column(String(64))
    arguments: Mapped[dict[str, Any]] = mapped_column(default=dict)
    result: Mapped[str | None] = mapped_column(Text)
    failed: Mapped[bool] = mapped_column(default=False)
    seconds: Mapped[float] = mapped_column(default=0.0)


class DialRow(Base):
    """Somebody whom we shall call: the queue of outbound calls, which survives a restart."""

    __tablename__ = "dials"
    __table_args__ = (Index("dials_due", "state", "due_at"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    to_number: Mapped[str] = mapped_column(String(32), index=True)
    from_number: Mapped[str] = mapped_column(String(32))
    persona: Mapped[str] = mapped_column(String(64))
    vars: Mapped[dict[str, Any]] = mapped_column(default=dict)
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    """waiting, dialling, done, cancelled"""
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_by: Mapped[str | None] = mapped_column(String(128))
    claimed_at: Mapped[datetime | None]
    call_id: Mapped[str | None] = mapped_column(String(128))
    outcome: Mapped[str | None] = mapped_column(String(32))
    sip_code: Mapped[int | None]
    words: Mapped[str | None] = mapped_column(Text)
    """Why, for a person."""


class DeliveryRow(Base):
    """One event that somebody's web server is told: the spool of webhooks, which survives a restart."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("call_id", "event", "url", name="deliveries_once"),
        Index("deliveries_due", "state", "due_at"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    call_id: Mapped[str] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    event: Mapped[str] = mapped_column(String(32))
    url: Mapped[str] = mapped_column(String(500))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(String(16))
    """waiting, sent, given up"""
    attempts: Mapped[int] = mapped_column(default=0)
    answer: Mapped[str | None] = mapped_column(Text)
    """To the last attempt, for a person."""

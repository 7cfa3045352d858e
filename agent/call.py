"""What a call is: what was asked for (`CallRequest`) and how far it has come (`Call`).

Pure: times are passed in, in seconds on any clock that does not jump.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class BadRequestError(ValueError):
    """The job's metadata is not a `CallRequest`; the message says which field."""


class CallRequest(BaseModel):
    """What every door (SIP rule, outbound, test room, console) hands the worker as job metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    version: Literal[1] = 1
    direction: Literal["inbound", "outbound", "room", "console"] = "room"
    persona: str = Field(default="receptionist", pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")
    to: str | None = None
    from_: str | None = Field(default=None, alias="from")
    vars: dict[str, str] = {}
    call_id: str | None = Field(default=None, min_length=1, max_length=128)
    test: bool = False

    @classmethod
    def parse(cls, metadata: str) -> Self:
        """From a job's metadata; no metadata at all means a test call with every default."""
        try:
            return cls.model_validate_json(metadata or "{}")
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "metadata"
            raise BadRequestError(f"job metadata, {where}: {first['msg']}") from error

    def with_sip(self, attributes: Mapping[str, str]) -> Self:
        """Fill what the door left open from the caller's `sip.*` attributes."""
        mine, theirs = attributes.get("sip.trunkPhoneNumber"), attributes.get("sip.phoneNumber")
        inbound = self.direction == "inbound"
        return self.model_copy(
            update={
                "to": self.to or (mine if inbound else theirs),
                "from_": self.from_ or (theirs if inbound else mine),
                "call_id": self.call_id or attributes.get("sip.callID") or None,
            }
        )

    def to_metadata(self) -> str:
        return json.dumps(self.model_dump(by_alias=True, exclude_none=True))


class Outcome(StrEnum):
    """What came of a call. The first four are of calls that we place, before anybody answers;
    `refused` is of callers whom admission does not let in."""

    BUSY = "busy"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    FAILED = "failed"
    REFUSED = "refused"
    ANSWERED = "answered"
    MACHINE = "machine"


class CallState(StrEnum):
    IDLE = "idle"
    CONNECTING = "connecting"
    ACTIVE = "active"
    STOPPING = "stopping"
    ERROR = "error"


_NEXT: dict[CallState, frozenset[CallState]] = {
    CallState.IDLE: frozenset({CallState.CONNECTING, CallState.ERROR}),
    CallState.CONNECTING: frozenset({CallState.ACTIVE, CallState.STOPPING, CallState.ERROR}),
    CallState.ACTIVE: frozenset({CallState.STOPPING, CallState.ERROR}),
    CallState.STOPPING: frozenset({CallState.ERROR}),
    CallState.ERROR: frozenset(),
}


class WrongStateError(RuntimeError):
    """A step that the call's state does not allow."""


@dataclass
class Call:
    """One call from the job's start to its end, with the figures of its summary."""

    id: str
    started_at: float
    state: CallState = CallState.IDLE
    connected_at: float | None = None
    ended_at: float | None = None
    end_reason: str | None = None
    error: str | None = None
    outcome: Outcome | None = None
    recording: str | None = None
    """Its file."""
    heard_seconds: float = 0.0
    spoken_seconds: float = 0.0
    turns: int = 0
    interruptions: int = 0
    apologies: int = 0
    stalls: Counter[str] = field(default_factory=Counter)

    def connecting(self) -> None:
        self._enter(CallState.CONNECTING)

    def active(self, now: float) -> None:
        """The caller and the agent hear each other."""
        self._enter(CallState.ACTIVE)
        self.connected_at = now

    def stopping(self, reason: str) -> bool:
        """Begin the end. False when it has begun already: the first reason stands."""
        if self.state in {CallState.STOPPING, CallState.ERROR}:
            return False
        if self.state is CallState.IDLE:
            self._enter(CallState.CONNECTING)
        self._enter(CallState.STOPPING)
        self.end_reason = reason
        return True

    def failed(self, error: str) -> None:
        """The call cannot go on. The first error stands."""
        if self.state is not CallState.ERROR:
            self._enter(CallState.ERROR)
            self.error = error

    def ended(self, now: float) -> None:
        self.ended_at = now

    def age(self, now: float) -> float:
        return (self.ended_at if self.ended_at is not None else now) - self.started_at

    def summary(self, now: float) -> dict[str, object]:
        """Figures only: no number, no word of the talk."""
        return {
            "call_id": self.id,
            "state": str(self.state),
            "end_reason": self.end_reason,
            "error": self.error,
            "outcome": self.outcome and str(self.outcome),
            "seconds": round(self.age(now), 3),
            "connected_after": _round(self.connected_at, self.started_at),
            "heard_seconds": round(self.heard_seconds, 3),
            "spoken_seconds": round(self.spoken_seconds, 3),
            "turns": self.turns,
            "interruptions": self.interruptions,
            "apologies": self.apologies,
            "stalls": dict(self.stalls),
        }

    def _enter(self, state: CallState) -> None:
        if state not in _NEXT[self.state]:
            raise WrongStateError(f"a call that is {self.state} cannot become {state}")
        self.state = state


def _round(moment: float | None, since: float) -> float | None:
    return None if moment is None else round(moment - since, 3)


class HeldCalls:
    """How many calls this worker holds: those that run, and those accepted that do not run yet."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._since: dict[str, float] = {}
        self._starting: set[str] = set()

    def accept(self, job_id: str, active: set[str], now: float) -> bool:
        """Take the job if there is room for it. It counts as starting until `started`."""
        self._refresh(active, now)
        if len(self._since) >= self.limit:
            return False
        self._since[job_id] = now
        self._starting.add(job_id)
        return True

    def started(self, job_id: str) -> None:
        """The job is among the active ones by now, or never will be."""
        self._starting.discard(job_id)

    def load(self, active: set[str], now: float) -> float:
        """Between 0 and 1: calls held by calls allowed."""
        self._refresh(active, now)
        return min(1.0, len(self._since) / self.limit)

    def count(self, active: set[str], now: float) -> int:
        self._refresh(active, now)
        return len(self._since)

    def oldest_age(self, active: set[str], now: float) -> float:
        """Seconds since the oldest call held was accepted; 0 without calls."""
        self._refresh(active, now)
        return max((now - since for since in self._since.values()), default=0.0)

    def _refresh(self, active: set[str], now: float) -> None:
        for job_id in active:
            self._since.setdefault(job_id, now)
        held = active | self._starting
        self._since = {job_id: since for job_id, since in self._since.items() if job_id in held}

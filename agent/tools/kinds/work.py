"""What an agent does beside the call: notes, appointments, look-ups, other people's code."""

import re
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, StringConstraints, field_validator, model_validator

from agent.tools.kinds.base import Day, Hours, Patience, SecretName, Text, Tool, ToolName
from agent.tools.schema import ArgumentsSchema


class TakeMessage(Tool):
    """Writes a caller's message down."""

    type: Literal["take_message"]
    name: ToolName = "take_message"
    description: Text | None = None
    folder: Path
    """Gets `messages.jsonl`, one message a line."""
    max_bytes: Annotated[int, Field(ge=4096, le=1_000_000_000)] = 10_000_000
    """Of that file; further messages are refused."""

    def names(self) -> tuple[str, ...]:
        return (self.name,)


class Calendar(Tool):
    """Looks up free times and books them: `find_free_times`, `book_appointment`."""

    type: Literal["calendar"]
    file: Path
    """YAML with the appointments; made when there is none."""
    timezone: Text
    hours: Annotated[dict[Day, tuple[Hours, ...]], Field(min_length=1)]
    """Opening times of a day, as `09:00-12:30`."""
    slot_minutes: Annotated[int, Field(ge=5, le=480)] = 30
    days_ahead: Annotated[int, Field(ge=1, le=730)] = 90
    """How far ahead one may book."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"no such time zone: {zone!r}; say one as Europe/Berlin") from error
        return zone

    @field_validator("hours")
    @classmethod
    def _hours_go_forward(cls, hours: dict[Day, tuple[str, ...]]) -> dict[Day, tuple[str, ...]]:
        for day, spans in hours.items():
            edges = [edge for span in spans for edge in span.split("-")]
            if edges != sorted(set(edges)):
                raise ValueError(f"{day}: times must go forward and not overlap")
        return hours

    def names(self) -> tuple[str, ...]:
        return ("find_free_times", "book_appointment")


class Http(Tool):
    """Asks an endpoint. Its host is fixed here; the model fills in arguments alone."""

    type: Literal["http"]
    name: ToolName
    description: Text
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "GET"
    url: Text
    """`{argument}` in its path is replaced; other arguments are the query of GET and DELETE, else
    a JSON body."""
    parameters: ArgumentsSchema = ArgumentsSchema()
    """JSON schema of the arguments."""
    secret: SecretName | None = None
    """`AGENT_SECRET_NAME` in the environment, sent as `secret_header`."""
    secret_header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")] = (
        "Authorization"
    )
    """`Authorization` gets `Bearer ` before the secret."""
    collected: dict[ToolName, ToolName] = Field(default_factory=dict)
    """Arguments that are digits collected by the tool of that name, which the model never sees."""
    timeout_seconds: Patience = 8.0
    max_bytes: Annotated[int, Field(ge=256, le=32_768)] = 32_768
    """Of the answer; a longer one is an error."""

    @model_validator(mode="after")
    def _url_is_fixed(self) -> Self:
        parts = re.match(r"^https?://([^/?#\s]+)([^?#\s]*)$", self.url)
        if parts is None:
            raise ValueError("url: must be http://HOST/PATH or https://HOST/PATH without a query")
        if "{" in parts[1] or "@" in parts[1]:
            raise ValueError("url: the host must be fixed, without arguments and passwords")
        for place in re.findall(r"\{([^}]*)\}", parts[2]):
            if place not in self.parameters.required and place not in self.collected:
                raise ValueError(f"url: {{{place}}} is not a required argument")
        if both := self.collected.keys() & self.parameters.properties.keys():
            raise ValueError(f"collected: {min(both)!r} is an argument of the model's too")
        return self

    def names(self) -> tuple[str, ...]:
        return (self.name,)


class Mcp(Tool):
    """Tools of an MCP server, those that are named."""

    type: Literal["mcp"]
    url: Annotated[str, StringConstraints(pattern=r"^https?://\S+$")] | None = None
    command: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    """A server that is started with the call: program and arguments."""
    allow: Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
    """Names of the tools that the agent gets; it gets no others."""
    secret: SecretName | None = None
    """Sent to `url` as a bearer key."""
    timeout_seconds: Patience = 8.0

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        if (self.url is None) == (self.command is None):
            raise ValueError("needs one of `url` and `command`")
        if self.secret and not self.url:
            raise ValueError("secret: is for a `url`")
        return self

    def names(self) -> tuple[str, ...]:
        return self.allow


class Knowledge(Tool):
    """Searches a folder of documents."""

    type: Literal["knowledge"]
    name: ToolName = "search_documents"
    description: Text | None = None
    folder: Path
    """Of `.md` and `.txt` files, its own folders included."""
    passages: Annotated[int, Field(ge=1, le=10)] = 3
    """That an answer has at most."""

    def names(self) -> tuple[str, ...]:
        return (self.name,)


class Python(Tool):
    """A function of yours; its annotations are the arguments, its docstring the description."""

    type: Literal["python"]
    function: Annotated[str, StringConstraints(pattern=r"^[\w.]+:\w+$")]
    """`module:function`, plain or async."""
    name: ToolName | None = None
    timeout_seconds: Patience = 8.0

    def names(self) -> tuple[str, ...]:
        return (self.name or self.function.rpartition(":")[2],)

"""The part of OpenAI's chat completions that the scripted model reads and writes.

Requests are read leniently, as every server of this API must: clients send settings that a script
has no use for. What shapes the answer is checked.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping
from typing import Literal
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

from parley.scripted.script import Call


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: object) -> object:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if value is not None}
        return data


class CalledFunction(_Read):
    name: str
    arguments: str


class ToolCall(_Read):
    id: str
    function: CalledFunction


class ContentPart(_Read):
    type: str
    text: str = ""


class Message(_Read):
    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: str | list[ContentPart] | None = None
    tool_calls: list[ToolCall] = []
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content)
        return self.content or ""


class OfferedFunction(_Read):
    name: str


class Tool(_Read):
    function: OfferedFunction


class StreamOptions(_Read):
    include_usage: bool = False


class ChatRequest(_Read):
    model: str
    messages: list[Message] = Field(max_length=2000)
    stream: bool = False
    stream_options: StreamOptions = StreamOptions()
    tools: list[Tool] = []
    tool_choice: object = "auto"

    @property
    def offered(self) -> frozenset[str]:
        if self.tool_choice == "none":
            return frozenset()
        return frozenset(tool.function.name for tool in self.tools)


def error_body(status: int, message: str) -> dict[str, object]:
    """The error shape that OpenAI's clients understand."""
    kinds = {400: "BadRequestError", 404: "NotFoundError"}
    kind = kinds.get(status, "InternalServerError" if status >= 500 else "APIError")  # noqa: PLR2004
    return {"error": {"message": message, "type": kind, "param": None, "code": status}}


class Completion:
    """One answer in OpenAI's shapes; a token is a word with the space before it."""

    def __init__(self, request: ChatRequest, text: str, call: Call | None) -> None:
        self.words: list[str] = re.findall(r"\s*\S+", text)
        self._text = text
        self._call = call and {
            "id": f"call_{uuid4().hex[:12]}",
            "type": "function",
            "function": {"name": call.name, "arguments": json.dumps(call.arguments)},
        }
        self._usage_wanted = request.stream_options.include_usage
        self._asked = sum(len(message.text.split()) for message in request.messages)
        self._head = {
            "id": f"chatcmpl-{uuid4().hex[:12]}",
            "created": int(time.time()),
            "model": request.model,
        }

    @property
    def _finish_reason(self) -> str:
        return "tool_calls" if self._call else "stop"

    @property
    def _usage(self) -> dict[str, int]:
        said = len(self.words)
        return {
            "prompt_tokens": self._asked,
            "completion_tokens": said,
            "total_tokens": self._asked + said,
        }

    def whole(self) -> dict[str, object]:
        message: dict[str, object] = {"role": "assistant", "content": self._text}
        if self._call:
            message["tool_calls"] = [self._call]
        choice = {"index": 0, "message": message, "finish_reason": self._finish_reason}
        kind = {"object": "chat.completion"}
        return {**self._head, **kind, "choices": [choice], "usage": self._usage}

    def events(self) -> Iterator[bytes]:
        """Server-sent events: a word each, then the call, the reason for the end, `[DONE]`."""
        yield self._event({"role": "assistant", "content": self.words[0] if self.words else ""})
        for word in self.words[1:]:
            yield self._event({"content": word})
        if self._call:
            yield self._event({"tool_calls": [{"index": 0, **self._call}]})
        yield self._event({}, self._finish_reason)
        if self._usage_wanted:
            yield self._line({"choices": [], "usage": self._usage})
        yield b"data: [DONE]\n\n"

    def _event(self, delta: Mapping[str, object], reason: str | None = None) -> bytes:
        return self._line({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})

    def _line(self, body: Mapping[str, object]) -> bytes:
        chunk = {**self._head, "object": "chat.completion.chunk", **body}
        return b"data: " + json.dumps(chunk).encode() + b"\n\n"

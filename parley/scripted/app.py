"""The scripted model's HTTP side: `/v1/chat/completions`, streamed or whole, and `/v1/models`."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter
from pydantic import SecretStr, ValidationError
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from parley.scripted.play import Answer, Player
from parley.scripted.script import Script
from parley.scripted.strict import fault
from parley.scripted.wire import ChatRequest, Completion, error_body
from parley_serving import Gate, Service, build_app
from parley_serving.gate import FullError

MODEL_PREFIX = "scripted-"
Watch = Callable[[ChatRequest, Answer], Answer]
"""Sees each request with the script's answer, and returns the one to give."""

MAX_BODY = 2_000_000
"""Bytes of a request: the history of an hour's talk is a tenth of it."""


def build_scripted(
    scripts: Mapping[str, Script],
    gate: Gate,
    key: SecretStr | None,
    *,
    pace: float,
    first: float = 0.0,
    watch: Watch = lambda _, answer: answer,
) -> Starlette:
    """One app for all scripts: `scripted-NAME` is the model that plays NAME.

    `pace` is the time between words in seconds, where an entry has none of its own; `first` the
    least before the first one.
    """
    times = Times(first, pace)
    registry = CollectorRegistry()
    players = {f"{MODEL_PREFIX}{name}": Player(script) for name, script in scripts.items()}

    async def models(_: Request) -> Response:
        listed = [{"id": name, "object": "model", "owned_by": "parley"} for name in players]
        return JSONResponse({"object": "list", "data": listed})

    return build_app(
        Service(
            name="scripted",
            model=",".join(players),
            gate=gate,
            start=contextlib.nullcontext,
            key=key,
            registry=registry,
            routes=[
                Route("/v1/models", models),
                Route(
                    "/v1/chat/completions",
                    _Chat(players, gate, registry, times, watch),
                    methods=["POST"],
                ),
            ],
        )
    )


def count_requests(registry: CollectorRegistry) -> Counter:
    counter = Counter(
        "parley_scripted_requests", "Requests by outcome.", ["outcome"], registry=registry
    )
    for outcome in ("finished", "refused", "failed", "aborted"):
        counter.labels(outcome)
    return counter


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class Times:
    """Seconds before the first word, at least, and between words where an answer has no pace of its own."""

    first: float
    pace: float

    def first_of(self, answer: Answer) -> float:
        return max(self.first, answer.delay)

    def pace_of(self, answer: Answer) -> float:
        return self.pace if answer.pace is None else answer.pace

    def whole(self, answer: Answer, words: int) -> float:
        return self.first_of(answer) + words * self.pace_of(answer)


class _Chat:
    """An ASGI app, for a request is held from its first byte to the last of its answer.

    `parley_scripted_requests_total` counts requests by outcome; `aborted` are those whose client
    left before the last word.
    """

    def __init__(
        self,
        players: Mapping[str, Player],
        gate: Gate,
        registry: CollectorRegistry,
        times: Times,
        watch: Watch,
    ) -> None:
        self._players = players
        self._watch = watch
        self._gate = gate
        self._times = times
        self._requests = count_requests(registry)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        outcome = "aborted"
        try:
            with self._gate.session():
                response = self._respond(await _read(Request(scope, receive)))
                await response(scope, receive, send)
                if response.sent:
                    outcome = "failed" if response.status_code >= 500 else "finished"  # noqa: PLR2004
        except _RefusedError as error:
            outcome = "refused"
            await _refuse(error.status, str(error))(scope, receive, send)
        except FullError as error:
            outcome = "refused"
            retry = {"Retry-After": str(error.retry_after)}
            await _refuse(503, str(error), retry)(scope, receive, send)
        except ClientDisconnect:
            return
        finally:
            self._requests.labels(outcome).inc()

    def _respond(self, request: ChatRequest) -> "_Answering":
        player = self._players.get(request.model)
        if player is None:
            raise _RefusedError(404, f"there is no model {request.model!r}")
        if why := fault(request.messages):
            raise _RefusedError(400, why)
        answer = self._watch(request, player.answer(request.messages, request.offered))
        if answer.status is not None:
            body = error_body(answer.status, "the script asks for this error")
            late = _after(self._times.first_of(answer), JSONResponse(body).body)
            return _Answering(late, answer.status, "application/json")
        completion = Completion(request, answer.text, answer.call)
        if request.stream:
            return _Answering(self._stream(completion, answer), 200, "text/event-stream")
        pause = self._times.whole(answer, len(completion.words))
        whole = _after(pause, JSONResponse(completion.whole()).body)
        return _Answering(whole, 200, "application/json")

    async def _stream(self, completion: Completion, answer: Answer) -> AsyncGenerator[bytes]:
        await asyncio.sleep(self._times.first_of(answer))
        for number, event in enumerate(completion.events()):
            if number:
                await asyncio.sleep(self._times.pace_of(answer))
            yield event


class _Answering(StreamingResponse):
    """Ends the work when the client has left; `sent` tells whether it was there to the end."""

    def __init__(self, body: AsyncGenerator[bytes], status: int, media_type: str) -> None:
        super().__init__(body, status, media_type=media_type)
        self.sent = False
        self._body = body

    async def stream_response(self, send: Send) -> None:
        async with contextlib.aclosing(self._body):
            await super().stream_response(send)
        self.sent = True


async def _after(seconds: float, body: bytes | memoryview) -> AsyncGenerator[bytes]:
    await asyncio.sleep(seconds)
    yield bytes(body)


async def _read(request: Request) -> ChatRequest:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise _RefusedError(413, f"a request may have {MAX_BODY} bytes")
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "body"
        raise _RefusedError(400, f"{where}: {first['msg']}") from error


def _refuse(status: int, message: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(error_body(status, message), status, headers)

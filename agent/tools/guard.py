"""Every tool runs in here: arguments checked before, time and answer bounded, errors short and typed.

A model that is talked into something meets the same checks as one that errs: what is not declared
does not run, and no answer of a tool can make another one run.
"""

import asyncio
import json
import logging
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from livekit.agents import (
    RunContext,
    StopResponse,
    ToolError,
    UserInputTranscribedEvent,
    function_tool,
    llm,
)
from pydantic import BaseModel, ConfigDict, ValidationError

logger = logging.getLogger(__name__)

LONGEST_ANSWER = 32_768
"""Characters of a tool's answer that the model gets."""

STILL_AT_WORK = "It is not done yet. Answer what the caller says now."

TOOL_THREAD = "tool"
"""The name of a thread in which a tool blocks."""

P = ParamSpec("P")
T = TypeVar("T")


class Arguments(BaseModel):
    """What a tool is called with; more than it asks for is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ToolFailure(Exception):  # noqa: N818  # an answer to the model, not a fault of ours
    """What the model is told: a kind, one word, and a sentence."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message


@dataclass(frozen=True)
class Filler:
    """Said once when a tool has kept the caller waiting for `seconds`."""

    message: str
    seconds: float


@dataclass(frozen=True)
class Work:
    """One tool. `run` gets the call's context and arguments that passed `arguments`.

    `limit` is in seconds, None for a tool that minds its own time; such a one is not spoken over by
    a filler. A caller who speaks `meanwhile` is answered, and has the result afterwards; without it
    they take the tool's speech back. `schema` is what the model sees, if it is not that of
    `arguments`.
    """

    name: str
    description: str
    arguments: type[BaseModel]
    run: Callable[[RunContext[Any], Any], Awaitable[object]]
    limit: float | None = None
    meanwhile: bool = True
    schema: dict[str, Any] | None = None


def as_tool(work: Work, filler: Filler) -> llm.Tool:
    """What the framework takes; it answers with text, or raises `ToolError` with a typed error."""

    async def call(context: RunContext[Any], raw_arguments: dict[str, object]) -> str | None:
        try:
            arguments = checked(work.arguments, raw_arguments)
            async with asyncio.timeout(work.limit):
                waiting = (
                    nullcontext()
                    if work.limit is None
                    else context.with_filler(filler.message, delay=filler.seconds)
                )
                async with waiting, _answering(context) if work.meanwhile else nullcontext():
                    return answer(await work.run(context, arguments))
        except ToolFailure as failure:
            raise _error(work, failure.kind, failure.message) from None
        except TimeoutError:
            raise _error(work, "timeout", "It did not answer in time. Tell the caller.") from None
        except (ToolError, StopResponse):
            raise
        except Exception as error:  # noqa: BLE001  # other people's code; the talk goes on
            logger.warning("a tool failed", extra={"tool": work.name, "kind": type(error).__name__})
            raise _error(work, "failed", "It does not work now. Tell the caller.") from None

    shown = {
        "name": work.name,
        "description": work.description,
        "parameters": work.schema or plain_schema(work.arguments),
    }
    return function_tool(call, raw_schema=shown)


@asynccontextmanager
async def _answering(context: RunContext[Any]) -> AsyncGenerator[None]:
    """The framework keeps a caller's next turn waiting for the tool, five seconds at most, and the
    result then has nobody who tells it: so the turn is let go when the caller speaks."""
    spoke = asyncio.Event()

    def heard(event: UserInputTranscribedEvent) -> None:
        if event.is_final:
            spoke.set()

    async def let_go() -> None:
        await spoke.wait()
        await context.update(STILL_AT_WORK, silent=True)

    context.session.on("user_input_transcribed", heard)
    letting_go = asyncio.create_task(let_go())
    try:
        yield
    finally:
        letting_go.cancel()
        context.session.off("user_input_transcribed", heard)


def checked(model: type[BaseModel], given: dict[str, object]) -> BaseModel:
    """Strictly, as JSON: "5" is no number and 1 is not true. Raises `ToolFailure`."""
    try:
        return model.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "arguments"
        raise ToolFailure("bad_arguments", f"{where}: {first['msg']}") from error


def answer(result: object) -> str | None:
    """As text; None asks for no further words. Raises `ToolFailure` for more than may be said."""
    if result is None:
        return None
    text = (
        result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
    )
    if len(text) > LONGEST_ANSWER:
        raise ToolFailure("too_long", f"The answer is longer than {LONGEST_ANSWER} characters.")
    return text


def plain_schema(model: type[BaseModel]) -> dict[str, Any]:
    """A model's JSON schema without the titles that pydantic makes of names."""
    schema = model.model_json_schema()
    schema.pop("title", None)
    schema.pop("description", None)
    for property_ in schema.get("properties", {}).values():
        property_.pop("title", None)
    return schema


async def in_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Like `asyncio.to_thread`, but one that hangs does not hold up the end of the process."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():  # nobody waits any more
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # it is a T where there is no error

    def work() -> None:
        result: T | None = None
        failed: BaseException | None = None
        try:
            result = function(*args, **kwargs)
        except BaseException as error:  # noqa: BLE001  # raised where it is awaited
            failed = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failed)

    threading.Thread(target=work, name=TOOL_THREAD, daemon=True).start()
    return await done


def _error(work: Work, kind: str, message: str) -> ToolError:
    logger.info("a tool answered with an error", extra={"tool": work.name, "error": kind})
    return ToolError(json.dumps({"error": kind, "message": message}, ensure_ascii=False))

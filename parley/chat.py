"""`parley chat`: a typed talk with a persona, for scripts and for whoever has no headset."""

import asyncio
import json
import os
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import CancelledError
from contextlib import suppress
from datetime import datetime
from io import FileIO
from typing import Annotated

import typer

from agent.call import BadRequestError, CallRequest
from agent.config import Settings
from agent.persona import PersonaError, filled, load_persona, with_defaults
from agent.tools.declared import SECRET_PREFIX
from parley.call import variables
from parley.settings import ROOT, BadSettingsError, full_environment, say
from parley.worker import worker_environment
from parley_serving import load_settings

REFUSED, FAILED = 2, 1
STATUS = {"caller hung up": 0, "agent hung up": 0, "transferred": 3, "time is up": 4}
"""Exit status by why it ended; what is not here is a failure."""


def command(
    *,
    persona: Annotated[str, typer.Option(help="Who talks: a file of personas/.")],
    var: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A variable of the persona.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print all that happens, an object a line.")
    ] = False,
) -> None:
    """Talk by lines: yours from the standard input, the agent's on the standard output.

    The persona, its tools and the mind are those of a call, and what a tool does is done. A line
    `/keys 12#` is keys that the caller presses. The end of the input hangs up.

    Exit status: 0 hung up, 3 handed over, 4 time was up, 1 failed, 2 cannot be started.
    """
    try:
        # From here on this process stands for the worker, which reads its settings from there.
        os.environ.update(worker_environment(full_environment()))
        reason = asyncio.run(_chat(persona, variables(var or []), as_json=as_json))
    except (BadSettingsError, BadRequestError, PersonaError) as error:
        say(f"parley: {error}")
        raise typer.Exit(REFUSED) from None
    raise typer.Exit(STATUS.get(reason, FAILED))


async def _chat(name: str, given: Mapping[str, str], *, as_json: bool) -> str:
    settings = load_settings(Settings, besides=SECRET_PREFIX)
    settings = settings.model_copy(update={"personas": ROOT / settings.personas})
    request = CallRequest(direction="console", persona=name, vars=dict(given), test=True)
    persona = with_defaults(load_persona(settings.personas, name), settings.turn)
    persona = filled(persona, request, datetime.now().astimezone())
    # The framework takes seconds to import: a wrong name is told before.
    from agent import doors  # noqa: PLC0415
    from parley.typed import TypedTalk  # noqa: PLC0415

    async with doors.Doors.opened(doors.mind_client(settings.llm), os.environ) as opened:
        mind = doors.mind(settings, persona, opened)
        talk = TypedTalk(persona, settings, mind, _as_json if as_json else _as_text)
        return await talk.run(_typed())


async def _typed() -> AsyncIterator[str]:
    """Lines of the standard input. The thread that reads them ends with the process, for nobody
    can make it stop waiting for one: so it reads past Python's buffer, whose lock it would keep."""
    loop = asyncio.get_running_loop()
    lines: asyncio.Queue[str | None] = asyncio.Queue(maxsize=1)  # a full one lets the thread wait

    def put(line: str | None) -> None:
        asyncio.run_coroutine_threadsafe(lines.put(line), loop).result()

    def read() -> None:
        with suppress(CancelledError, RuntimeError):  # the talk is over
            for line in FileIO(sys.stdin.fileno(), closefd=False):
                put(line.decode(errors="replace").strip())
            put(None)

    threading.Thread(target=read, daemon=True).start()
    while (line := await lines.get()) is not None:
        yield line


def _as_json(happened: Mapping[str, object]) -> None:
    sys.stdout.write(f"{json.dumps(happened, ensure_ascii=False)}\n")
    sys.stdout.flush()


def _as_text(happened: Mapping[str, object]) -> None:
    """The agent's words alone are the answer; the rest is beside it."""
    if happened["kind"] == "say":
        sys.stdout.write(f"{happened['text']}\n")
        sys.stdout.flush()
        return
    about = {name: value for name, value in happened.items() if name != "kind"}
    more = "".join(f" {name}={json.dumps(value)}" for name, value in about.items())
    sys.stderr.write(f"[{happened['kind']}]{more}\n")

"""`parley persona`: which agents there are, and whether they could answer a call."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Annotated

import aiohttp
import typer
from pydantic import HttpUrl, SecretStr

from agent.config import VoiceSettings
from agent.persona import (
    NotAskedError,
    PersonaError,
    load_persona,
    names,
    refuse_a_wrong_voice,
)
from agent.persona.schema import schema
from parley.ports import Ports
from parley.settings import ROOT, BadSettingsError, Settings, full_environment, say
from parley.wires import scheme_of, wires_of

app = typer.Typer(no_args_is_help=True, help="Look at the agents that personas/ describes.")

AsJson = Annotated[bool, typer.Option("--json", help="Print one object, no lines.")]


@dataclass(frozen=True)
class Result:
    """`note` is what could not be found out."""

    persona: str
    ok: bool
    problem: str = ""
    note: str = ""

    def line(self) -> str:
        said = ", ".join(part for part in ("ok" if self.ok else "bad", self.note) if part)
        return f"{self.persona}: {self.problem or said}"


@app.command("check")
def check(
    wanted: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="All of them, if none.")
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Read personas as a call would: files, tools, secrets, and whether the voice speaks so.

    Exit status: 0 all good, 1 one could not answer a call.
    """
    environment = _environment()
    folder = _folder(environment)
    wanted = wanted or names(folder)
    if not wanted:
        say(f"parley: {folder}: holds no persona (NAME.yaml)")
        raise typer.Exit(1)
    results = asyncio.run(_check(wanted, folder, environment))
    failed = [result for result in results if not result.ok]
    if as_json:
        whole = {
            "passed": len(results) - len(failed),
            "failed": len(failed),
            "results": [asdict(result) for result in results],
        }
        sys.stdout.write(f"{json.dumps(whole, indent=2)}\n")
    else:
        sys.stdout.writelines(f"{result.line()}\n" for result in results)
    raise typer.Exit(1 if failed else 0)


@app.command("list")
def list_() -> None:
    """Name the personas, with what they speak."""
    environment = _environment()
    folder = _folder(environment)
    for name in names(folder):
        try:
            persona = load_persona(folder, name, environment)
        except PersonaError as error:
            sys.stdout.write(f"{name}: {error}\n")
        else:
            sys.stdout.write(f"{name}: {persona.language}\n")


@app.command("schema")
def show_schema() -> None:
    """Print the JSON schema of persona files, which editors understand."""
    sys.stdout.write(f"{json.dumps(schema(), indent=2, ensure_ascii=False)}\n")


async def _check(wanted: list[str], folder: Path, environment: Mapping[str, str]) -> list[Result]:
    own = _voice(environment)
    line = aiohttp.TCPConnector(ssl=_trusts(environment) or True)
    async with aiohttp.ClientSession(connector=line) as http:
        return [await _check_one(name, folder, own, http, environment) for name in wanted]


async def _check_one(
    name: str,
    folder: Path,
    own: VoiceSettings,
    http: aiohttp.ClientSession,
    environment: Mapping[str, str],
) -> Result:
    try:
        persona = load_persona(folder, name, environment)
        await refuse_a_wrong_voice(persona, own, http, environment)
    except PersonaError as error:
        return Result(name, ok=False, problem=str(error))
    except NotAskedError as error:
        return Result(name, ok=True, note=str(error))
    return Result(name, ok=True)


def _environment() -> Mapping[str, str]:
    """A checkout without secrets has personas too."""
    try:
        return full_environment()
    except BadSettingsError:
        return os.environ


def _folder(environment: Mapping[str, str]) -> Path:
    return ROOT / environment.get("AGENT_PERSONAS", "personas")


def _voice(environment: Mapping[str, str]) -> VoiceSettings:
    """Where the worker finds the voice: the user's own, or that which `parley up` runs."""
    url, key = environment.get("AGENT_TTS__URL"), environment.get("AGENT_TTS__KEY")
    if url:
        return VoiceSettings(url=HttpUrl(url), key=SecretStr(key) if key else None)
    try:
        settings = Settings.load(environment)
    except BadSettingsError:
        return VoiceSettings()
    port = Ports.chosen(settings.port_base).csm
    return VoiceSettings(
        url=HttpUrl(f"{scheme_of(settings)}://127.0.0.1:{port}"), key=settings.engine_key
    )


def _trusts(environment: Mapping[str, str]) -> SSLContext | None:
    try:
        return wires_of(Settings.load(environment), environment).everybody
    except BadSettingsError:
        return None

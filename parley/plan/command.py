"""`parley plan` and `parley doctor`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from parley.plan import compare, machine
from parley.plan.asking import Words, asked_by
from parley.plan.budget import Plan, make_plan
from parley.plan.errors import PlanError
from parley.plan.gpus import gpu_by_name, known
from parley.plan.page import page, to_json
from parley.plan.results import read_host, read_measured
from parley.settings import ROOT, say
from sip.doctor.finding import Finding, Verdict

RESULTS = ROOT / "bench" / "results"
WORDS = TypeAdapter(Words)

AsJson = Annotated[bool, typer.Option("--json", help="Print one object, no page.")]


def plan(
    *,
    gpu: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="May be given again. Default: what nvidia-smi names."),
    ] = None,
    calls: Annotated[int | None, typer.Option(help="At once. Default: as many as fit.")] = None,
    whisper: Annotated[str, typer.Option(metavar="SIZE", help="Or none.")] = "large-v3-turbo",
    csm: Annotated[bool, typer.Option(help="Whether CSM speaks here.")] = True,
    model: Annotated[
        str, typer.Option(help="gemma-3-27b, -12b, -4b, a config.json or its folder; or none.")
    ] = "gemma-3-27b",
    bits: Annotated[
        int | None, typer.Option(help="Of its weights: 16, 8 or 4. Default: as they lie there.")
    ] = None,
    kv: Annotated[str, typer.Option(help="vLLM's type of keys and values: auto or fp8.")] = "auto",
    context: Annotated[int, typer.Option(help="Tokens of a call's prompt and answer.")] = 4096,
    depth_bits: Annotated[int, typer.Option(help="Of CSM's depth decoder: 16 or 8.")] = 16,
    check: Annotated[bool, typer.Option(help="Hold it against this machine, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """How many calls GPUs carry, what runs out first, and the settings for it.

    Exit status 2: there is no such plan. With --check 1: this machine is not the plan's.
    """
    words = Words(whisper, csm, model, bits, kv, context, calls, depth_bits)
    try:
        made = _planned(words, gpu)
        findings = compare.compare(made, machine.look(ROOT)) if check else ()
    except PlanError as error:
        say(f"parley: {error}")
        raise typer.Exit(2) from None
    told = to_json(made, words)
    if check:
        told["check"] = [each.to_json() for each in findings]
    _tell(told if as_json else "\n\n".join([page(made), *([compare.page(findings)] * check)]))
    raise typer.Exit(_status(findings))


def doctor(
    file: Annotated[Path, typer.Argument(metavar="PLAN", help="What `parley plan --json` wrote.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Hold a plan against this machine: GPUs, cores, memory, disk, versions that were tried.

    Exit status 1: it does not fit. 2: there is no such plan. Calls are `parley sip doctor`'s.
    """
    try:
        words, names = _read(file)
        findings = compare.compare(_planned(words, names), machine.look(ROOT))
    except PlanError as error:
        say(f"parley: {error}")
        raise typer.Exit(2) from None
    _tell([each.to_json() for each in findings] if as_json else compare.page(findings))
    raise typer.Exit(_status(findings))


def _planned(words: Words, names: list[str] | None) -> Plan:
    gpus = [gpu_by_name(name) for name in names] if names else known(machine.seen_gpus())
    asked = asked_by(words, gpus)
    return make_plan(asked, read_measured(RESULTS, asked.engines_on), read_host(RESULTS))


def _read(file: Path) -> tuple[Words, list[str]]:
    """Raises PlanError."""
    try:
        told = json.loads(file.read_bytes())
        names = [str(name) for name in told["gpus"]]
        return WORDS.validate_python({**told["asked"], "calls": told["calls"]}), names
    except (OSError, ValueError, KeyError, TypeError, ValidationError):
        raise PlanError(
            f"{file} is no plan: write one with `parley plan --json > {file}`"
        ) from None


def _status(findings: Sequence[Finding]) -> int:
    return int(any(each.verdict is Verdict.FAILED for each in findings))


def _tell(told: object) -> None:
    sys.stdout.write(f"{told if isinstance(told, str) else json.dumps(told, indent=2)}\n")

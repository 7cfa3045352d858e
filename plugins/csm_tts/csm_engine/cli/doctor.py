"""`doctor`: whether this machine can speak by the settings, and what to mend first."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Iterator, Sequence

from csm_engine.cli import findings, machine, trial
from csm_engine.cli.findings import REHEARSAL, Finding, State, worst_first
from csm_engine.config import Settings
from parley_serving import load_settings


def run(options: argparse.Namespace) -> int:
    """1 when something is broken."""
    found = worst_first(examine(load_settings(Settings)))
    broken = any(finding.state is State.BROKEN for finding in found)
    page = _as_json(found) if options.json else "\n".join(_as_page(found))
    sys.stdout.write(page + "\n")
    return int(broken)


def examine(settings: Settings) -> list[Finding]:
    """Looks first, and speaks when nothing that it saw would keep it from that."""
    found = [findings.packages(settings)]
    on_gpu = False
    if settings.model != REHEARSAL and found[0].state is State.FINE:
        from csm_engine.cli import csm_findings  # noqa: PLC0415 -- torch

        found += csm_findings.look(settings)
        on_gpu = csm_findings.uses_gpu(settings)
    found += findings.voices(settings)
    if all(finding.state is not State.BROKEN for finding in found):
        return [*found, *trial.run(settings)]
    return [*found, trial.by_roofline(settings.streams)] if on_gpu else found


def _as_json(found: Sequence[Finding]) -> str:
    body = {
        "machine": machine.facts(),
        "findings": [dataclasses.asdict(finding) for finding in found],
    }
    return json.dumps(body, indent=2)


def _as_page(found: Sequence[Finding]) -> Iterator[str]:
    yield machine.in_words()
    for finding in found:
        yield f"{finding.state}: {finding.what}: {finding.says}"
        if finding.fix is not None:
            yield f"  → {finding.fix}"

"""Where a bench's results go, and what is told beside them."""

import json
import shlex
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from bench import machine

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"


def started() -> dict[str, Any]:
    """Where, when and by which command, told before the measurement begins."""
    command = shlex.join(["python", "-m", _module(), *sys.argv[1:]])
    return machine.facts() | {"command": command}


def _module() -> str:
    return f"bench.{Path(sys.argv[0]).stem}"


def write(
    name: str,
    facts: Mapping[str, Any],
    page: Iterable[str],
    body: Mapping[str, Any],
    folder: Path = RESULTS,
) -> tuple[str, str]:
    """`page` and `body` to NAME.md and NAME.json in `folder`; returned as they were written."""
    title, *rest = page
    text = "\n".join([title, "", *_where(facts), "", *rest, ""])
    data = json.dumps({"machine": facts, **body}, indent=2) + "\n"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(text, encoding="utf-8")
    (folder / f"{name}.json").write_text(data, encoding="utf-8")
    return text, data


def _where(facts: Mapping[str, Any]) -> list[str]:
    return [
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['system']}, "
        f"Python {facts['python']}; {facts['date']}; commit {facts['commit']}; "
        f"load before {facts['load_before']}.",
        f"Made by `{facts['command']}`.",
    ]

"""What the Whisper benches share: callers' speech, weights that speak, counters, and where results go."""

import contextlib
import json
import shlex
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from bench import machine
from bench.telephone import silence
from whisper_engine.cli.ab.line import over_line
from whisper_engine.cli.bench import SAYS
from whisper_engine.cli.calls import Turn, trimmed
from whisper_engine.cli.sounds import load
from whisper_engine.synthetic import write_random

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "bench" / "results"
CLIPS = ROOT / "tests" / "data" / "audio"

PAUSE, BREATH = 0.2, 0.03
"""Seconds: one is long enough for a preflight and too short for a flush, the other is nothing."""

FASTEST = 0.1
"""Seconds of a token."""


def real_turns(pause: float) -> list[Turn]:
    """Every clip of tests/data/audio, and every two with so many seconds between, over G.711."""
    files = sorted(path for path in CLIPS.iterdir() if path.suffix in {".wav", ".flac"})
    clips = [trimmed(load(path)).pcm for path in files]
    pairs = [np.concatenate([one, silence(pause), two]) for one, two in permutations(clips, 2)]
    return [Turn(over_line(pcm, loss=0, seed=0)) for pcm in (*clips, *pairs)]


def fluent_turns() -> list[Turn]:
    """For random weights: without a pause, after which their text would be the same and not be told
    again, and long enough for SAYS tokens, for the engine does not believe faster speech.
    """
    return [turn for turn in real_turns(BREATH) if turn.seconds >= SAYS * FASTEST]


@contextlib.contextmanager
def speaking_weights(shape: str) -> Iterator[Path]:
    """Random ones that end each turn after SAYS tokens."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / shape
        write_random(path, shape, says=SAYS)
        yield path


def counters(url: str, *names: str) -> dict[str, float]:
    """An engine's counters by name and labels, those of `names`."""
    with urllib.request.urlopen(url + "/metrics") as answer:
        families = text_string_to_metric_families(answer.read().decode())
        samples = [sample for family in families for sample in family.samples]
    return {
        " ".join([sample.name, *sample.labels.values()]): sample.value
        for sample in samples
        if sample.name in names
    }


def started() -> dict[str, Any]:
    """Where, when and by which command, told before the measurement begins."""
    command = shlex.join(["python", "-m", _module(), *sys.argv[1:]])
    return machine.facts() | {"command": command}


def _module() -> str:
    return f"bench.{Path(sys.argv[0]).stem}"


def write(
    name: str, facts: Mapping[str, Any], page: Iterable[str], body: Mapping[str, Any]
) -> None:
    """`page` and `body` to bench/results/NAME.md and .json, and the page to the standard output."""
    title, *rest = page
    text = "\n".join([title, "", *_where(facts), "", *rest, ""])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(text, encoding="utf-8")
    whole = {"machine": facts, **body}
    (RESULTS / f"{name}.json").write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    print(text)


def _where(facts: Mapping[str, Any]) -> list[str]:
    return [
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, {facts['system']}, "
        f"Python {facts['python']}; {facts['date']}; commit {facts['commit']}; "
        f"load before {facts['load_before']}.",
        f"Made by `{facts['command']}`.",
    ]

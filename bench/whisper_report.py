"""What the Whisper benches share: callers' speech, weights that speak, and counters."""

import contextlib
import tempfile
import urllib.request
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from bench.record import ROOT
from bench.telephone import silence
from whisper_engine.cli.ab.line import over_line
from whisper_engine.cli.bench import SAYS
from whisper_engine.cli.calls import Turn, trimmed
from whisper_engine.cli.sounds import load
from whisper_engine.synthetic import write_random

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

"""Models under each condition, on the same turns."""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from whisper_engine.cli.ab.choice import Slices, Table, choose
from whisper_engine.cli.ab.clips import Clip, make_clips, on_line
from whisper_engine.cli.ab.grid import BEAMS, LOSSES, PADDINGS, Condition, Trial, conditions
from whisper_engine.cli.ab.recordings import RecordingsError, read_recordings
from whisper_engine.cli.ab.report import as_json, markdown
from whisper_engine.cli.ab.scoring import normaliser, pool
from whisper_engine.cli.ab.streamed import LanguageError, compare_streamed, load_weights
from whisper_engine.cli.calls import CallError
from whisper_engine.cli.process import EngineError
from whisper_engine.cli.sounds import SoundError
from whisper_engine.whisper.files import ModelError

Wrong = (RecordingsError, SoundError, ModelError, LanguageError, EngineError, CallError)


def run(options: argparse.Namespace) -> int:
    """0, or 1 after one sentence on what is wrong. The tables go to the standard output."""
    try:
        clips = clips_of(options)
        compare = compare_streamed if options.streamed else _report
        reports = [compare(name, clips, options) for name in options.model]
    except Wrong as error:
        sys.stderr.write(f"{error}\n")
        return 1
    if options.json:
        options.json.write_text(json.dumps(reports, indent=2) + "\n", encoding="utf-8")
    return 0


def clips_of(options: argparse.Namespace) -> list[Clip]:
    """Turns that have words, no more than asked for. Raises RecordingsError, SoundError."""
    normalise = normaliser(options.language)
    made = make_clips(read_recordings(options.source))
    clips = list(islice((clip for clip in made if normalise(clip.text).split()), options.most))
    if not clips:
        raise RecordingsError(
            f"{options.source}: no turn of 0.3 to 12 s; give shorter recordings or words' times"
        )
    return clips


def table_of(trial: Trial, clips: Sequence[Clip]) -> Table:
    table: dict[Condition, Slices] = {}
    heard = {loss: [on_line(clip, loss) for clip in clips] for loss in LOSSES}
    for condition in conditions():
        scores = trial.run(heard[condition.loss], condition)
        one_word = [score for score in scores if score.words == 1]
        table[condition] = Slices(pool(scores), pool(one_word))
    return table


def _report(name: str, clips: Sequence[Clip], options: argparse.Namespace) -> Mapping[str, Any]:
    language = options.language
    title = Path(name).name
    weights = load_weights(name, options)
    hears = {padding: weights.padded(padding) for padding in PADDINGS}
    table = table_of(Trial(hears, language, normaliser(language)), clips)
    policies = [choose(table, beam) for beam in BEAMS]
    sys.stdout.write(markdown(title, language, table, policies) + "\n")
    return as_json(title, language, table, policies)

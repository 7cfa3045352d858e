"""Rows that speak side by side, without threads: each as if it were alone, and all of it given back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from csm_engine.audio import SAMPLE_BYTES
from csm_engine.clip import VoiceError
from csm_engine.csm.model import Csm
from csm_engine.csm.sampler import Sampling
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.endings.ending import Guards
from csm_engine.engine.batch import Batch
from csm_engine.engine.flight import Row
from csm_engine.engine.line import Line, Made
from csm_engine.model import SpeakError
from csm_engine.protocol import FRAME_SECONDS, Remembers
from csm_engine.text import frame_cap
from tests.csm_tts.csm_folders import batch

pytestmark = pytest.mark.engine

LINES = [
    ("ada", Line("Good morning.", Sampling(seed=1))),
    ("ben", Line("Good morning.", Sampling(seed=1))),
    ("ada", Line("Good morning.", Sampling(seed=2))),
    ("ben", Line("Yes, we are.", Sampling(seed=3))),
]
NEVER = Guards(silent_frames=10_000, repeats=10_000)
"""What a model without training says may well be silent or alike."""


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


def begin(batch: Batch, line: tuple[str, Line], remembers: Remembers = "nothing") -> Row:
    """In a conversation of its own, prefilled."""
    voice, said = line
    row = batch.begin(batch.contexts.open(voice, remembers), voice, said)
    try:
        batch.prefill(row, 0, len(row.tokens) - 1)
    except SpeakError:
        batch.end(row)
        raise
    return row


def step(batch: Batch, rows: list[Row]) -> list[Made | SpeakError]:
    made = dict(batch.collect(batch.launch(rows)))
    return [made[row] for row in rows]


def spoken(batch: Batch, starts: dict[int, tuple[str, Line]]) -> list[bytes]:
    """Lines, each begun at its tick, spoken to their ends; the sound of each."""
    rows: dict[int, Row] = {}
    sounds = [b""] * len(starts)
    order = list(starts)
    for tick in range(1_000):
        for index, start in enumerate(order):
            if start == tick:
                rows[index] = begin(batch, starts[start])
        if not rows and tick > max(order):
            break
        names = list(rows)
        for name, made in zip(names, step(batch, [rows[name] for name in names]), strict=True):
            assert isinstance(made, Made)
            sounds[name] += made.sound
            if made.reason is not None:
                batch.end(rows.pop(name))
    return sounds


def test_each_of_several_sounds_as_it_does_alone(model: Csm) -> None:
    starts = dict(zip((0, 3, 4, 11), LINES, strict=True))
    together = spoken(batch(model, guards=NEVER), starts)
    alone = [spoken(batch(model, guards=NEVER), {0: line})[0] for line in LINES]
    for ours, own in zip(together, alone, strict=True):
        assert_same(ours, own)
    assert len(set(alone)) == len(LINES)


def test_a_row_that_is_ended_early_changes_nothing_for_the_others(model: Csm) -> None:
    shared = batch(model, guards=NEVER)
    other, kept = begin(shared, LINES[0]), begin(shared, LINES[3])
    sound = b""
    for tick in range(1_000):
        if tick == 5:
            shared.end(other)
        outcome = step(shared, [other, kept] if tick < 5 else [kept])[-1]
        assert isinstance(outcome, Made)
        sound += outcome.sound
        if outcome.reason is not None:
            break
    assert_same(sound, spoken(batch(model, guards=NEVER), {0: LINES[3]})[0])


def test_a_sentence_without_end_is_cut_by_the_length_of_its_text(model: Csm) -> None:
    rows = batch(model, guards=NEVER)
    made = to_the_end(rows, begin(rows, LINES[0]))
    assert made[-1].reason == "length"
    assert len(made) == frame_cap(LINES[0][1].text, FRAME_SECONDS)
    assert {len(one.sound) for one in made} == {SAMPLE_BYTES * 1920}
    assert made[-1].sound.endswith(bytes(2)), "the cut is faded"


def test_the_models_own_end_is_no_frame_and_what_rings_is_sent(model: Csm) -> None:
    heads = torch.zeros_like(model.weights.depth.heads)
    weights = replace(
        model.weights,
        backbone=replace(
            model.weights.backbone, head=torch.zeros_like(model.weights.backbone.head)
        ),
        depth=replace(model.weights.depth, heads=heads),
    )
    # Greedily, each code is 0, the end's, but where the sampler does not allow it yet.
    ending = Csm.of(model.config, weights, model.prompter)
    guards = Guards(min_frames=3, leading=-1_000, silent_frames=10_000)
    rows = batch(ending, guards=guards)
    greedy = Line("Good morning.", Sampling(0, 0))
    made = to_the_end(rows, begin(rows, ("ada", greedy)))
    assert [one.reason for one in made] == [None, None, None, "stop"]
    assert len(made[-1].sound) <= SAMPLE_BYTES * 1920


def test_no_slot_is_told_and_given_back(model: Csm) -> None:
    rows = batch(model, slots=1)
    pages = rows.free_pages
    row = begin(rows, LINES[0])
    with pytest.raises(SpeakError, match="being spoken") as raised:
        begin(rows, LINES[1])
    assert raised.value.retryable
    rows.end(row)
    assert (rows.free_slots, rows.free_pages) == (1, pages)
    assert spoken(rows, {0: LINES[1]}) == spoken(batch(model), {0: LINES[1]})


def test_a_prompt_without_pages_is_told_and_holds_nothing(model: Csm) -> None:
    rows = batch(model, ["ada"], pages=5)
    first = begin(rows, LINES[0])
    free = rows.free_pages, rows.free_slots
    with pytest.raises(SpeakError, match="no room") as raised:
        begin(rows, LINES[2])
    assert raised.value.retryable
    assert (rows.free_pages, rows.free_slots) == free
    rows.end(first)


def test_a_sentence_that_runs_out_of_pages_fails_alone_and_the_next_one_speaks(model: Csm) -> None:
    rows = batch(model, ["ada"], pages=9, guards=NEVER)
    free = rows.free_pages
    pair = [begin(rows, LINES[0]), begin(rows, LINES[2])]
    made = step(rows, pair)
    while all(isinstance(one, Made) and one.reason is None for one in made):
        made = step(rows, pair)
    (failed,) = (one for one in made if isinstance(one, SpeakError))
    assert failed.retryable
    assert "no room" in str(failed)
    left, dropped = sorted(pair, key=lambda row: made[pair.index(row)] is failed)
    rows.end(dropped)
    assert to_the_end(rows, left)[-1].reason == "length"
    assert rows.free_pages == free


def test_a_text_that_fits_no_context_is_refused_for_good(model: Csm) -> None:
    rows = batch(model)
    free = rows.free_pages
    with pytest.raises(SpeakError, match="split it") as raised:
        begin(rows, ("ada", Line("word " * 60)))
    assert not raised.value.retryable
    assert (rows.free_pages, rows.free_slots) == (free, 4)


def test_a_voice_that_fits_no_context_is_named(model: Csm) -> None:
    with pytest.raises(VoiceError, match=r"voice 'ada': .* trim it"):
        batch(model, ["ada"], clip_frames=300)
    with pytest.raises(VoiceError, match=r"voice 'ben': .* pages"):
        batch(model, pages=3)


def to_the_end(rows: Batch, row: Row) -> list[Made]:
    steps: list[Made] = []
    while not steps or steps[-1].reason is None:
        (made,) = step(rows, [row])
        assert isinstance(made, Made)
        steps.append(made)
    rows.end(row)
    return steps


def assert_same(got: bytes, wanted: bytes) -> None:
    """Codes are the same to the bit; the codec's sums round by the rows of its batch."""
    ours, theirs = (np.frombuffer(sound, np.int16).astype(int) for sound in (got, wanted))
    assert ours.shape == theirs.shape
    assert abs(ours - theirs).max() <= 1

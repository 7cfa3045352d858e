"""Contexts: kept, shared, cut, and reused, each as if it had been read afresh."""

from typing import Any

import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from csm_engine.csm.model import Csm
from csm_engine.csm.page_pool import OutOfPagesError
from csm_engine.csm.paged_kv import Sequence
from csm_engine.csm.prompt import Prompt
from csm_engine.csm.sampler import Sampling
from csm_engine.csm.synthetic import TINY, random_model
from tests.csm_tts.csm_rows import Rows, alone, text_prompt

pytestmark = pytest.mark.engine

FRAMES = 12


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


def audio(model: Csm, frames: torch.Tensor) -> Prompt:
    return model.prompter.audio(frames)


def test_a_second_turn_after_kept_keys_and_values_is_that_of_the_whole_context_read_again(
    model: Csm,
) -> None:
    first, second = text_prompt(model.config, 17), text_prompt(model.config, 8)
    rows = Rows(model)
    sequence = rows.begin(0, first)
    said = rows.frames(6, 0)[0]
    # The last frame was made but not read yet: it goes with what follows it.
    rest = audio(model, said[-1:]) + second
    rows.begin(0, rest, after=sequence)
    kept = rows.frames(FRAMES, 0)[0]
    whole = first + audio(model, said) + second
    assert torch.equal(kept, alone(model, whole, FRAMES))
    assert sequence.length == len(whole) - 1 + FRAMES


@pytest.mark.parametrize("length", [15, 16, 17, 40])
def test_calls_share_a_voice_and_speak_as_if_each_had_read_it(model: Csm, length: int) -> None:
    voice = text_prompt(model.config, length)
    turns = [text_prompt(model.config, 6, seed) for seed in (2, 3)]
    rows = Rows(model)
    prefix = Sequence()
    rows.model.backbone.prefill(rows.kv, prefix, model.backbone.embed(voice))
    before = rows.kv.keys[:, prefix.pages].clone(), rows.kv.values[:, prefix.pages].clone()
    for slot, turn in enumerate(turns):
        rows.begin(slot, turn, after=rows.kv.fork(prefix))
    said = rows.frames(FRAMES, 0, 1)
    for slot, turn in enumerate(turns):
        assert torch.equal(said[slot], alone(model, voice + turn, FRAMES))
        whole = length // rows.kv.page_size
        assert rows.sequences[slot].pages[:whole] == prefix.pages[:whole]
    assert torch.equal(rows.kv.keys[:, prefix.pages], before[0])
    assert torch.equal(rows.kv.values[:, prefix.pages], before[1])
    for slot in (0, 1):
        rows.end(slot)
    rows.kv.free(prefix)
    assert rows.kv.pool.free == rows.kv.pool.count


def test_a_reply_that_was_cut_short_is_put_right(model: Csm) -> None:
    opening, reply = text_prompt(model.config, 20), text_prompt(model.config, 12, seed=2)
    heard, later = Prompt(reply.ids[:5], reply.codes), text_prompt(model.config, 7, seed=3)
    rows = Rows(model)
    sequence = rows.begin(0, opening + reply)
    said = rows.frames(10, 0)[0]
    rows.kv.truncate(sequence, len(opening))
    repaired = heard + audio(model, said[:3]) + later
    rows.begin(0, repaired, after=sequence)
    assert torch.equal(rows.frames(FRAMES, 0)[0], alone(model, opening + repaired, FRAMES))


@pytest.mark.parametrize("sampling", [Sampling(0, 0), Sampling(0.9, 20, seed=11)])
def test_a_row_says_the_same_in_any_batch(model: Csm, sampling: Sampling) -> None:
    prompt = text_prompt(model.config, 9)
    expected = alone(model, prompt, FRAMES, sampling)
    for width, order in ((1, [0]), (2, [0]), (4, [3, 0, 1]), (8, [2, 1, 3, 0])):
        rows = Rows(model, width=width)
        for slot in order:
            other = text_prompt(model.config, 10 + slot, seed=2)
            own = sampling if slot == 0 else Sampling(1.0, 5, seed=slot)
            rows.begin(slot, prompt if slot == 0 else other, own)
        said = rows.frames(FRAMES, *order)
        assert torch.equal(said[order.index(0)], expected)


@pytest.mark.parametrize("cancelled_at", [0, 1, 7])
def test_cancelling_a_row_changes_no_bit_of_its_neighbours(model: Csm, cancelled_at: int) -> None:
    hidden: list[torch.Tensor] = []
    for cancel in (False, True):
        rows = Rows(model)
        for slot in range(3):
            rows.begin(slot, text_prompt(model.config, 9 + slot), Sampling(0.9, 20, seed=slot))
        for tick in range(FRAMES):
            if cancel and tick == cancelled_at:
                rows.end(1)
            rows.step(*sorted(rows.sequences))
        sequence = rows.sequences[2]
        hidden.append(torch.cat([rows.kv.keys[:, page] for page in sequence.pages], dim=1))
    assert torch.equal(*(keys[:, : 11 + FRAMES - 1] for keys in hidden))


def test_a_new_call_hears_nothing_of_the_one_before_it(model: Csm) -> None:
    prompt = text_prompt(model.config, 21)
    expected = alone(model, prompt, FRAMES)
    rows = Rows(model, pages=3)
    rows.begin(0, text_prompt(model.config, 30))
    rows.frames(10, 0)
    for pool in (rows.kv.keys, rows.kv.values):
        pool[:, rows.sequences[0].pages] = torch.nan  # the worst that can lie there
    rows.end(0)
    rows.begin(0, prompt)
    assert torch.equal(rows.frames(FRAMES, 0)[0], expected)


def test_padding_rows_stay_where_they_are(model: Csm) -> None:
    rows = Rows(model, width=3)
    rows.begin(0, text_prompt(model.config, 4))
    rows.frames(FRAMES, 0)
    assert int(rows.slots.positions[rows.slots.padding]) == 0
    assert int(rows.slots.positions[0]) == 3 + FRAMES


def test_a_full_context_is_refused_and_the_others_go_on(model: Csm) -> None:
    rows = Rows(model)
    rows.begin(0, text_prompt(model.config, 256))
    rows.begin(1, text_prompt(model.config, 9))
    first = rows.step(0, 1)
    with pytest.raises(ValueError, match="257 tokens of context, the model has 256"):
        rows.step(0)
    rest = rows.frames(FRAMES - 1, 1)[0]
    said = torch.cat((first[1:, :-1], rest))
    assert torch.equal(said, alone(model, text_prompt(model.config, 9), FRAMES))


def test_a_full_pool_is_refused_and_the_others_go_on(model: Csm) -> None:
    rows = Rows(model, pages=2)
    rows.begin(0, text_prompt(model.config, 9))
    rows.begin(1, text_prompt(model.config, 17))
    with pytest.raises(OutOfPagesError, match="1 pages wanted, 0 of 2 are free"):
        rows.begin(2, text_prompt(model.config, 9))
    with pytest.raises(OutOfPagesError):
        rows.step(1)
    assert torch.equal(rows.frames(7, 0)[0], alone(model, text_prompt(model.config, 9), 7))


def test_a_batch_names_each_slot_once_and_no_more_than_it_has_rows(model: Csm) -> None:
    rows = Rows(model, width=2)
    for slot in range(3):
        rows.begin(slot, text_prompt(model.config, 4))
    with pytest.raises(ValueError, match="not up to 2 slots, each once"):
        rows.step(0, 1, 2)
    with pytest.raises(ValueError, match="not up to 2 slots, each once"):
        rows.step(1, 1)


WAITING = {"aten::_local_scalar_dense", "aten::nonzero", "aten::masked_select", "aten::equal"}
"""Operations for which the host waits for a device, and which no graph can hold."""


def test_a_step_is_the_same_operations_each_time_and_waits_for_none(model: Csm) -> None:
    rows = Rows(model)
    seen: list[list[str]] = []
    for count in (1, 3):
        for slot in range(count):
            rows.begin(slot, text_prompt(model.config, 5 + 7 * slot), Sampling(0.9, 20, seed=slot))
        rows.step(*range(count))
        with profile(activities=[ProfilerActivity.CPU], acc_events=True) as profiled:
            rows.run()
        events: Any = profiled.events()
        seen.append([event.name for event in events if event.name.startswith("aten::")])
    assert seen[0] == seen[1]
    assert not WAITING & set(seen[0])
    assert len(seen[0]) > 1000, "an empty profile proves nothing"

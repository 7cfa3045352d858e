"""The model on a CUDA device: replayed as it was captured, without a wait, and in memory that does
not grow."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.engine.codec import Codec, CodecStep
from csm_engine.gpu.device import Cuda
from tests.csm_tts.csm_rows import text_prompt
from tests.csm_tts.gpu_rows import PAGE_SIZE, Speaking, on_gpu

pytestmark = on_gpu

BUCKETS = (1, 2, 3, 8, 16)
SENTENCES = 200


@pytest.fixture(scope="module", autouse=True)
def inference() -> Iterator[None]:
    with torch.inference_mode():
        yield


@pytest.fixture(scope="module", params=[torch.float32, torch.bfloat16], ids=["fp32", "bf16"])
def model(request: pytest.FixtureRequest) -> Csm:
    return random_model(TINY, seed=1, dtype=request.param, device="cuda")


@contextlib.contextmanager
def waiting_fails() -> Iterator[None]:
    """Whatever makes the host wait for the device, copies of `fetch` apart, is an error inside."""
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def codec_step(model: Csm, rows: int) -> CodecStep:
    config = replace(model.config.codec, num_quantizers=model.config.num_codebooks)
    decoder = MimiDecoder(config, model.weights.codec, slots=rows, device="cuda")
    silence = torch.zeros(config.num_quantizers, dtype=torch.long, device="cuda")
    return CodecStep(Codec(decoder, silence, rows=rows), rows)


@pytest.mark.parametrize("rows", BUCKETS)
def test_replayed_frames_are_those_of_one_operation_at_a_time(model: Csm, rows: int) -> None:
    replayed = Speaking(model, Cuda(), rows, captured=True).frames(12)
    assert torch.equal(replayed, Speaking(model, Cuda(), rows, captured=False).frames(12))


def test_buckets_share_one_memory_and_disturb_nothing(model: Csm) -> None:
    on = Cuda()
    big, small = (Speaking(model, on, rows, captured=True) for rows in (8, 2))
    turns = [(big.frames(1), small.frames(1)) for _ in range(8)]
    alone = Speaking(model, Cuda(), 8, captured=False).frames(8)
    assert torch.equal(torch.cat([frames for frames, _ in turns]), alone)
    alone = Speaking(model, Cuda(), 2, captured=False).frames(8)
    assert torch.equal(torch.cat([frames for _, frames in turns]), alone)


def test_replayed_sound_beside_the_next_step_is_the_codecs_own(model: Csm) -> None:
    rows, slots = 4, list(range(4))
    on = Cuda()
    speaking, alone = codec_step(model, rows), codec_step(model, rows)
    steps = Speaking(model, on, rows, captured=True)
    with on.beside():
        sound = on.captured(speaking.run)
    on.join()
    for _ in range(10):
        steps.advance()
        steps.run()
        on.join()
        speaking.take(steps.step.result, slots)
        alone.take(steps.step.result, slots)
        with on.beside():
            sound()
            heard = on.fetch(speaking.sound)
        alone.run()
        difference = heard().int() - alone.sound.cpu().int()
        # The codec's sums may be taken in another order, and rounded to 16 bits.
        assert difference.abs().max() <= 1


def test_a_tick_is_asked_for_without_waiting(model: Csm) -> None:
    on = Cuda()
    speaking = Speaking(model, on, 4, captured=True)
    codec = codec_step(model, 4)
    with on.beside():
        sound = on.captured(codec.run)
    on.join()
    # Their buffers are made at the first.
    for tensor in (codec.sound, speaking.step.result):
        on.fetch(tensor)()
    with waiting_fails():
        # Past the end of a page, so that rows take new ones.
        for _ in range(PAGE_SIZE + 1):
            speaking.advance()
            speaking.step.choose([0, 1, 2])
            speaking.run()
            codes = on.fetch(speaking.step.result)
            on.join()
            codec.take(speaking.step.result, [0, 1, 2])
            with on.beside():
                sound()
                heard = on.fetch(codec.sound)
    assert (len(codes()), len(heard())) == (4, 4)


def test_a_prompt_is_read_without_waiting(model: Csm) -> None:
    speaking = Speaking(model, Cuda(), 2, captured=True)
    codes = torch.ones(3, model.config.num_codebooks, dtype=torch.long)
    prompt = text_prompt(model.config, 9) + model.prompter.audio(codes)
    with waiting_fails():
        speaking.begin(0, 30)
        embedded = model.backbone.embed(prompt)
        model.backbone.prefill(speaking.kv, speaking.sequences[1], embedded)
    assert len(embedded) == 9 + len(codes) + 1


def test_memory_is_flat_over_many_sentences(model: Csm) -> None:
    on = Cuda()
    speaking = Speaking(model, on, 4, captured=True)
    codec = codec_step(model, 4)
    with on.beside():
        sound = on.captured(codec.run)
    on.join()

    def sentence(number: int) -> None:
        slot = number % 4
        speaking.slots.release(slot)
        speaking.kv.free(speaking.sequences[slot])
        speaking.sequences[slot] = speaking.begin(slot, 5 + number % 40)
        for _ in range(3):
            speaking.advance()
            speaking.run()
            on.join()
            codec.take(speaking.step.result, list(range(4)))
            with on.beside():
                sound()
                heard = on.fetch(codec.sound)
            heard()

    for number in range(80):
        sentence(number)
    held = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
    for number in range(SENTENCES):
        sentence(number)
    assert (torch.cuda.memory_allocated(), torch.cuda.memory_reserved()) == held

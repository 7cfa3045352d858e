"""Held to figures worked out by hand, and to the design's tables."""

import json
from pathlib import Path
from typing import Any

import pytest

from parley.plan import ears, voice
from parley.plan.configs import CONFIGS, architecture, read_model
from parley.plan.errors import PlanError
from parley.plan.gpus import GPUS
from parley.plan.language import Paging
from parley.plan.traffic import TELEPHONE

GEMMA = architecture(CONFIGS["gemma-3-27b"], "gemma")

LLAMA = {  # Llama 3.1 8B
    "hidden_size": 4096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "vocab_size": 128_256,
    "max_position_embeddings": 131_072,
    "model_type": "llama",
}


def test_gemma_has_as_many_parameters_as_its_card_says() -> None:
    # A layer: 4096 x 5376 for queries and for what comes out, 2048 x 5376 for keys and for values,
    # three times 21504 x 5376; four norms, and one each of queries and keys.
    layer = 2 * 4096 * 5376 + 2 * 2048 * 5376 + 3 * 21_504 * 5376 + 4 * 5376 + 2 * 128
    text = 62 * layer + 262_208 * 5376 + 5376
    assert text == 27_009_346_304
    assert GEMMA.parameters == text + GEMMA.beside == 27_432_406_640


def test_weights_shrink_with_their_bits_and_embeddings_do_not() -> None:
    matrices, rest = 25_598_361_600, 1_834_045_040
    assert GEMMA.weights(16) == 2 * (matrices + rest)
    assert GEMMA.weights(8) == matrices + 2 * rest
    assert GEMMA.weights(4) == matrices // 2 + matrices // 64 + 2 * rest


def test_a_local_layer_keeps_its_window_and_a_global_one_everything() -> None:
    assert GEMMA.windows.count(None) == 10
    assert GEMMA.windows.count(1024) == 52
    token_of_layer = 2 * 16 * 128 * 2
    assert GEMMA.kv(1000) == 62 * 1000 * token_of_layer
    assert GEMMA.kv(4096) == (10 * 4096 + 52 * 1024) * token_of_layer
    assert GEMMA.kv(4096, kv_bytes=1) == GEMMA.kv(4096) // 2


def test_vllms_groups_of_layers_are_padded_and_paged() -> None:
    # Groups of ten: one global, and six for 52 local layers. A block is 16 tokens of ten layers.
    paging = Paging.of(GEMMA)
    assert dict(paging.groups) == {None: 1, 1024: 6}
    assert paging.block_bytes == 10 * 16 * 8192
    # 1024 tokens of a window that begins anywhere lie in 65 blocks.
    assert paging.held(4096) == (256 + 6 * 65) * paging.block_bytes
    assert paging.held(512) == 7 * 32 * paging.block_bytes
    assert paging.largest(4096, 2048) == (256 + 6 * 193) * paging.block_bytes
    assert paging.in_flight(2048) == 6 * 128 * paging.block_bytes


def test_a_model_without_windows_pages_what_it_keeps() -> None:
    llama = architecture(LLAMA, "llama")
    assert llama.parameters == 8_030_261_248
    assert llama.kv(1) == 128 * 1024
    assert Paging.of(llama).held(4096) == llama.kv(4096)
    assert Paging.of(llama).in_flight(2048) == 0


@pytest.mark.parametrize(
    ("more", "windowed"),
    [
        ({"sliding_window": 4096}, 32),
        ({"sliding_window": 4096, "use_sliding_window": False}, 0),
        ({"sliding_window": 4096, "sliding_window_pattern": 2}, 16),
        (
            {
                "sliding_window": 128,
                "layer_types": ["sliding_attention"] * 8 + ["full_attention"] * 24,
            },
            8,
        ),
        ({"model_type": "gemma2", "sliding_window": 4096}, 16),
    ],
)
def test_windows_are_read_as_each_family_writes_them(more: dict[str, Any], windowed: int) -> None:
    windows = architecture({**LLAMA, **more}, "x").windows
    assert sum(window is not None for window in windows) == windowed


def test_a_folder_says_in_how_many_bits_its_weights_lie(tmp_path: Path) -> None:
    quantised = {**LLAMA, "quantization_config": {"quant_method": "awq", "bits": 4}}
    (tmp_path / "config.json").write_text(json.dumps(quantised))
    assert read_model(str(tmp_path))[1] == 4


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("{", "JSON"),
        ("[]", "no JSON object"),
        ("{}", "num_attention_heads|hidden_size is missing"),
        (json.dumps({**LLAMA, "num_hidden_layers": "32"}), "num_hidden_layers must be"),
        (json.dumps({**LLAMA, "num_local_experts": 8}), "a mixture of experts"),
        (
            json.dumps({**LLAMA, "sliding_window": 8, "layer_types": ["full_attention"]}),
            "layer_types must name each of 32 layers",
        ),
    ],
)
def test_a_config_that_cannot_be_counted_is_refused(tmp_path: Path, config: str, says: str) -> None:
    (tmp_path / "config.json").write_text(config)
    with pytest.raises(PlanError, match=says):
        read_model(str(tmp_path))


@pytest.mark.parametrize(
    ("frames", "operations"), [(3000, 2.27e12), (800, 0.53e12), (400, 0.26e12)]
)
def test_whispers_operations_are_the_designs(frames: int, operations: float) -> None:
    assert ears.whisper("large-v3-turbo").encoding(frames) == pytest.approx(operations, rel=0.03)


@pytest.mark.parametrize(
    ("gpu", "calls"), [("h200", 156), ("a100-80", 74), ("rtx-4090", 47), ("l4", 24)]
)
def test_hearing_carries_what_the_design_estimates(gpu: str, calls: int) -> None:
    busy = ears.busy(ears.whisper("large-v3-turbo"), GPUS[gpu], TELEPHONE, None)
    assert ears.LOAD / busy == pytest.approx(calls, rel=0.07)


@pytest.mark.parametrize(
    ("gpu", "low", "high"),
    [("h200", 5.0, 6.5), ("h100", 5.5, 7.2), ("a100-80", 8.0, 9.5), ("l4", 33.0, 38.0)],
)
def test_a_step_of_one_voice_takes_what_the_design_estimates(
    gpu: str, low: float, high: float
) -> None:
    assert low <= 1000 * voice.steps(GPUS[gpu], 16).round(1) <= high

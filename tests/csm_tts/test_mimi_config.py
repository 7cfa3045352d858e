"""What the codec reads: its part of config.json, and its tensors."""

from typing import Any

import pytest
import torch

from csm_engine.csm.checkpoint import WeightsError
from csm_engine.csm.codec_census import codec_tensors
from csm_engine.csm.fields import ConfigError, Fields
from csm_engine.csm.mimi.config import MimiConfig
from csm_engine.csm.mimi.decoder import MimiDecoder
from csm_engine.csm.mimi.encoder import MimiEncoder
from csm_engine.csm.mimi.weights import flat_name
from tests.csm_tts.mimi_reference import tiny

pytestmark = pytest.mark.engine


def read(**changes: Any) -> MimiConfig:
    codec = tiny().codec | changes
    return MimiConfig.from_fields(Fields(codec, "codec_config"))


def test_a_frame_of_mimi_is_80_ms() -> None:
    config = read(upsampling_ratios=[8, 6, 5, 4])
    assert config.frame_size == 1920
    assert config.sampling_rate / config.frame_size == 12.5


def test_the_older_form_says_the_same() -> None:
    older = {"rope_parameters": None, "rope_theta": 10_000.0, "frame_rate": 24_000 / 48}
    assert read(**older, head_dim=None) == read(head_dim=None)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"hidden_size": None}, "hidden_size is missing"),
        ({"num_filters": "64"}, "num_filters must be an integer"),
        ({"sliding_window": 0}, "sliding_window must be an integer ≥ 1"),
        ({"norm_eps": 0}, "norm_eps must be a number > 0"),
        ({"upsampling_ratios": [8, 0]}, "upsampling_ratios must be a list of integers > 0"),
        ({"upsampling_ratios": []}, "upsampling_ratios must be"),
        ({"model_type": "encodec"}, "model_type must be 'mimi'"),
        ({"audio_channels": 2}, "audio_channels must be 1"),
        ({"use_causal_conv": False}, "use_causal_conv must be True"),
        ({"pad_mode": "reflect"}, "pad_mode must be 'constant'"),
        ({"trim_right_ratio": 0.5}, "trim_right_ratio must be 1.0"),
        ({"hidden_act": "relu"}, "hidden_act must be 'gelu'"),
        ({"rope_parameters": {"rope_type": "yarn", "rope_theta": 1e4}}, "rope_type must be"),
        ({"upsample_groups": 5}, "hidden_size must be a multiple of 5"),
        ({"num_key_value_heads": 3}, "num_attention_heads must be a multiple of 3"),
        ({"head_dim": 7}, "head_dim must be a multiple of 2"),
        ({"num_semantic_quantizers": 6}, "num_semantic_quantizers must be below"),
        ({"codebook_dim": 8}, "vector_quantization_hidden_dimension must be codebook_dim"),
        ({"frame_rate": 12.5}, "frame_rate must be None or 500"),
    ],
)
def test_what_cannot_be_computed_is_named(changes: dict[str, Any], error: str) -> None:
    with pytest.raises(ConfigError, match=error):
        read(**changes)


def test_the_halves_take_all_tensors_of_the_census_and_no_other() -> None:
    config = tiny().config
    shapes = codec_tensors(config)
    tensors = {name: torch.zeros(shape) for name, shape in shapes.items()}
    MimiDecoder(config, tensors, slots=1)
    MimiEncoder(config, tensors, slots=1)
    for name in shapes:
        missing = {other: tensor for other, tensor in tensors.items() if other != name}
        with pytest.raises(WeightsError, match=name):
            _make_both(config, missing)


def _make_both(config: MimiConfig, tensors: dict[str, torch.Tensor]) -> None:
    MimiDecoder(config, tensors, slots=1)
    MimiEncoder(config, tensors, slots=1)


def test_names_of_files_of_models_and_of_a_whole_csm_are_one() -> None:
    config, weights = tiny().config, tiny().weights
    files = {flat_name(name): tensor for name, tensor in weights.items()}
    whole = {f"codec_model.{name}": tensor for name, tensor in weights.items()}
    whole["lm_head.weight"] = torch.zeros(1)
    codes = tiny().codes(1, 2)
    sounds = [
        MimiDecoder(config, tensors, slots=1).step(codes, torch.tensor([0]))
        for tensors in (weights, files, whole)
    ]
    assert files.keys() == codec_tensors(config).keys()
    assert torch.equal(sounds[0], sounds[1])
    assert torch.equal(sounds[0], sounds[2])


def test_weights_of_fewer_bits_are_widened() -> None:
    halves = {name: tensor.bfloat16() for name, tensor in tiny().weights.items()}
    decoder = MimiDecoder(tiny().config, halves, slots=1)
    assert decoder.step(tiny().codes(1, 1), torch.tensor([0])).dtype == torch.float32


def test_a_tensor_of_another_config_is_named() -> None:
    weights = dict(tiny().weights)
    name = next(name for name in weights if flat_name(name) == "upsample.conv.weight")
    weights[name] = torch.zeros(32, 1, 6)
    with pytest.raises(WeightsError, match=r"upsample.* is \[32, 1, 6\], config.json says \[32, 1"):
        MimiDecoder(tiny().config, weights, slots=1)

"""What a config.json may say, and what is said of one that cannot be used."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from csm_engine.csm.config import config_from, read_config
from csm_engine.csm.fields import ConfigError, Fields
from csm_engine.csm.rope import RotaryTable, frequencies, rotate
from csm_engine.csm.synthetic import CSM_1B, TINY

pytestmark = pytest.mark.engine

Json = dict[str, Any]


def changed(change: Callable[[Json], object], values: Json = TINY) -> Fields:
    copied = copy.deepcopy(values)
    change(copied)
    return Fields(copied, "config.json")


def test_the_released_model_is_read() -> None:
    config = config_from(Fields(CSM_1B, "config.json"))
    assert (config.num_codebooks, config.vocab_size, config.codebook_size) == (32, 2051, 2048)
    assert config.backbone.head_dim == 64
    assert config.depth.head_dim == 128
    assert config.codec.frame_size == 1920


def test_the_keys_of_transformers_4_are_read_too() -> None:
    def older(values: Json) -> None:
        for part in (values, values["depth_decoder_config"]):
            rope = part.pop("rope_parameters")
            part["rope_theta"] = rope.pop("rope_theta")
            part["rope_scaling"] = rope
        codec = values["codec_config"]
        codec["rope_theta"] = codec.pop("rope_parameters")["rope_theta"]

    assert config_from(changed(older)) == config_from(Fields(TINY, ""))


def test_what_follows_from_the_rest_may_be_left_out() -> None:
    def shorter(values: Json) -> None:
        del values["head_dim"], values["tie_codebooks_embeddings"], values["hidden_act"]
        values["num_key_value_heads"] = None

    config = config_from(changed(shorter))
    assert (config.backbone.head_dim, config.backbone.num_key_value_heads) == (8, 8)
    assert config.tie_codebooks_embeddings


WRONG: list[tuple[Callable[[Json], object], str]] = [
    (lambda c: c.update(model_type="llama"), "model_type is 'llama', not 'csm'"),
    (lambda c: c.pop("hidden_size"), "hidden_size is missing"),
    (lambda c: c.update(hidden_size="64"), "hidden_size must be an integer ≥ 1, not '64'"),
    (lambda c: c.update(num_hidden_layers=True), "num_hidden_layers must be an integer"),
    (lambda c: c.update(num_hidden_layers=0), "num_hidden_layers must be an integer ≥ 1"),
    (lambda c: c.update(rms_norm_eps=0), "rms_norm_eps must be a number > 0"),
    (lambda c: c.update(num_key_value_heads=3), "num_attention_heads must be a multiple of 3"),
    (lambda c: c.update(head_dim=7), "head_dim must be even"),
    (lambda c: c.update(attention_bias=True), "attention_bias must be False, not True"),
    (lambda c: c.update(hidden_act="gelu"), "hidden_act must be 'silu', not 'gelu'"),
    (lambda c: c.update(tie_codebooks_embeddings="yes"), "tie_codebooks_embeddings must be true"),
    (lambda c: c.update(num_codebooks=1), "num_codebooks must be an integer ≥ 2"),
    (lambda c: c.update(audio_token_id=320), r"audio_token_id must be below text_vocab_size"),
    (lambda c: c.update(codebook_eos_token_id=64), "codebook_eos_token_id must be below 64"),
    (lambda c: c.pop("rope_parameters"), "rope_parameters is missing: copy it"),
    (lambda c: c["rope_parameters"].update(rope_type="yarn"), "rope_type must be 'default' or"),
    (lambda c: c["rope_parameters"].pop("factor"), "rope_parameters: factor is missing"),
    (lambda c: c["rope_parameters"].update(low_freq_factor=0.5), "high_freq_factor must be above"),
    (lambda c: c.update(depth_decoder_config=3), "depth_decoder_config must be an object"),
    (lambda c: c.pop("depth_decoder_config"), "depth_decoder_config is missing"),
    (
        lambda c: c["depth_decoder_config"].update(num_codebooks=9),
        "depth_decoder_config: num_codebooks must be the backbone's 8, not 9",
    ),
    (
        lambda c: c["depth_decoder_config"].update(max_position_embeddings=7),
        "max_position_embeddings must be ≥ 8",
    ),
    (lambda c: c["codec_config"].update(num_quantizers=7), r"num_quantizers must be ≥ num_cod"),
    (lambda c: c["codec_config"].update(codebook_size=128), r"codebook_size must be ≤ vocab_size"),
    (lambda c: c["codec_config"].update(model_type="encodec"), "model_type must be 'mimi'"),
]


@pytest.mark.parametrize(("change", "message"), WRONG, ids=[message for _, message in WRONG])
def test_a_wrong_value_is_named(change: Callable[[Json], object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        config_from(changed(change))


def test_a_folder_without_a_config_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"is not a folder: fetch .* `hf download"):
        read_config(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match="does not exist"):
        read_config(tmp_path)
    for text, message in (("{", "is not JSON"), ("[]", "holds no JSON object")):
        (tmp_path / "config.json").write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_config(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps(TINY))
    assert read_config(tmp_path) == config_from(Fields(TINY, ""))


@pytest.mark.parametrize("values", [TINY, CSM_1B], ids=["tiny", "real"])
@pytest.mark.parametrize("part", ["backbone", "depth"])
@pytest.mark.parametrize("kind", ["llama3", "default"])
def test_rotations_are_those_of_transformers(values: Json, part: str, kind: str) -> None:
    from transformers import CsmConfig, CsmDepthDecoderConfig  # noqa: PLC0415
    from transformers.models.csm import modeling_csm  # noqa: PLC0415

    if kind == "default":

        def plain(copied: Json) -> None:
            for section in (copied, copied["depth_decoder_config"]):
                section["rope_parameters"] = {"rope_type": "default", "rope_theta": 500_000.0}

        values = dict(changed(plain, values).values)
    config = getattr(config_from(Fields(values, "")), part)
    theirs: Any = CsmConfig(**copy.deepcopy(values))
    if part == "depth":
        theirs = CsmDepthDecoderConfig(**copy.deepcopy(values["depth_decoder_config"]))
    library: Any = modeling_csm
    reference = library.CsmRotaryEmbedding(theirs)
    mine = frequencies(config.rope, config.head_dim)
    torch.testing.assert_close(mine, reference.inv_freq, rtol=1e-6, atol=0)
    random = torch.Generator().manual_seed(0)
    last = config.max_position_embeddings - 1
    positions = torch.tensor([[0, 1, last // 2, last]])
    query = torch.randn(1, 4, 3, config.head_dim, generator=random)
    cos, sin = reference(query, positions)
    turned, _ = library.apply_rotary_pos_emb(query, query, cos, sin, unsqueeze_dim=2)
    table = RotaryTable(config, "cpu")
    torch.testing.assert_close(rotate(query, table.at(positions)), turned, rtol=1e-4, atol=2e-4)

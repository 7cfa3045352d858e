"""A language model by name, or by the config.json of its folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from parley.plan.errors import PlanError
from parley.plan.language import Architecture, Bits

SIGLIP = 423_060_336
"""Parameters of Gemma 3's image tower and its projector."""

EVERY = {"gemma3_text": 6, "gemma2": 2}
"""Every so many layers one looks at all tokens, where the config does not say so itself."""

GEMMA_NORMS = 4
BITS_OF: Mapping[str, Bits] = {"fp8": 8, "fbgemm_fp8": 8, "awq": 4, "gptq": 4, "awq_marlin": 4}


def _gemma(name: str, layers: int, hidden: int, inner: int, heads: tuple[int, int, int]) -> Any:
    return {
        "_name_or_path": name,
        "model_type": "gemma3",
        "text_config": {
            "model_type": "gemma3_text",
            "num_hidden_layers": layers,
            "hidden_size": hidden,
            "intermediate_size": inner,
            "num_attention_heads": heads[0],
            "num_key_value_heads": heads[1],
            "head_dim": heads[2],
            "sliding_window": 1024,
            "max_position_embeddings": 131_072,
            "vocab_size": 262_208,
        },
        "vision_config": {},
    }


CONFIGS = {
    "gemma-3-27b": _gemma("google/gemma-3-27b-it", 62, 5376, 21_504, (32, 16, 128)),
    "gemma-3-12b": _gemma("google/gemma-3-12b-it", 48, 3840, 15_360, (16, 8, 256)),
    "gemma-3-4b": _gemma("google/gemma-3-4b-it", 34, 2560, 10_240, (8, 4, 256)),
}
"""As their config.json has them."""


def read_model(name: str) -> tuple[Architecture, Bits]:
    """A name of CONFIGS, or a folder or config.json as Hugging Face has them; and the bits that its
    weights have there.

    Raises:
        PlanError: there is no such model, or its config cannot be counted.
    """
    if name in CONFIGS:
        return architecture(CONFIGS[name], name), 16
    path = Path(name)
    path = path / "config.json" if path.is_dir() else path
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise PlanError(
            f"there is no model {name!r}: name {', '.join(CONFIGS)}, or a config.json"
        ) from None
    except (OSError, ValueError) as error:
        raise PlanError(f"{path} cannot be read as JSON: {error}") from None
    if not isinstance(config, dict):
        raise PlanError(f"{path} holds no JSON object: fetch it again")
    return architecture(config, str(path)), _bits(config, str(path))


def architecture(config: Mapping[str, Any], where: str) -> Architecture:
    """Raises PlanError, which names the key."""
    text = _Section(config.get("text_config") or config, where)
    _refuse_what_cannot_be_counted(text)
    hidden, heads = text.count("hidden_size"), text.count("num_attention_heads")
    gemma = str(text.values.get("model_type", "")).startswith(("gemma2", "gemma3"))
    return Architecture(
        name=str(config.get("_name_or_path") or where),
        hidden=hidden,
        intermediate=text.count("intermediate_size"),
        heads=heads,
        kv_heads=text.count("num_key_value_heads", heads),
        head_dim=text.count("head_dim", hidden // heads),
        vocabulary=text.count("vocab_size"),
        tied=bool(_either(text.values, config, "tie_word_embeddings", gemma)),
        windows=_windows(text),
        positions=text.count("max_position_embeddings"),
        norms=GEMMA_NORMS if gemma else 2,
        head_norms=text.values.get("model_type") in {"gemma3_text", "qwen3"},
        biases=bool(text.values.get("attention_bias", text.values.get("model_type") == "qwen2")),
        beside=SIGLIP if config.get("vision_config") is not None else 0,
    )


class _Section:
    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.values = values
        self.where = where

    def count(self, key: str, default: int | None = None) -> int:
        value = self.values.get(key)
        value = default if value is None else value
        if value is None:
            raise PlanError(
                f"{self.where}: {key} is missing: it is no language model's config.json"
            )
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise PlanError(f"{self.where}: {key} must be a whole number above 0, not {value!r}")
        return value


def _refuse_what_cannot_be_counted(text: _Section) -> None:
    for key, why in {
        "num_local_experts": "a mixture of experts",
        "num_experts": "a mixture of experts",
        "n_routed_experts": "a mixture of experts",
        "kv_lora_rank": "compressed keys and values",
        "num_kv_shared_layers": "layers that share keys and values",
        "ssm_state_size": "state-space layers",
    }.items():
        if text.values.get(key):
            raise PlanError(
                f"{text.where}: it has {why} ({key}), which this plan cannot count: "
                "take a dense model, or plan with --model none and the memory that is left"
            )


def _windows(text: _Section) -> tuple[int | None, ...]:
    layers, values = text.count("num_hidden_layers"), text.values
    window = values.get("sliding_window")
    if not window or values.get("use_sliding_window") is False:
        return (None,) * layers
    window = text.count("sliding_window")
    if kinds := values.get("layer_types"):
        if not isinstance(kinds, list) or len(kinds) != layers:
            raise PlanError(f"{text.where}: layer_types must name each of {layers} layers")
        return tuple(window if kind == "sliding_attention" else None for kind in kinds)
    every = values.get("sliding_window_pattern") or EVERY.get(str(values.get("model_type")))
    if every is None:
        return (window,) * layers
    return tuple(window if (number + 1) % every else None for number in range(layers))


def _either(first: Mapping[str, Any], second: Mapping[str, Any], key: str, default: bool) -> Any:
    return first.get(key, second.get(key, default))


def _bits(config: Mapping[str, Any], where: str) -> Bits:
    """Of the weights as they lie there."""
    quantised = config.get("quantization_config")
    if not quantised:
        return 16
    method = str(quantised.get("quant_method"))
    groups = quantised.get("config_groups") or {}
    named = [group.get("weights", {}).get("num_bits") for group in groups.values()]
    bits = quantised.get("bits") or next(iter(named), None) or BITS_OF.get(method)
    if bits not in (4, 8, 16):
        raise PlanError(f"{where}: quantization_config ({method}) names no 4, 8 or 16 bits")
    return bits

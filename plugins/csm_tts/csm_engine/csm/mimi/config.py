"""Mimi's dimensions, from the `codec_config` of a CSM folder's config.json. No torch."""

import math
from dataclasses import dataclass

from csm_engine.csm.fields import Fields


@dataclass(frozen=True, slots=True)
class MimiConfig:
    """Names are those of transformers' `MimiConfig`; the comments give kyutai/mimi's values."""

    hidden_size: int  # 512
    num_filters: int  # 64
    num_residual_layers: int  # 1
    upsampling_ratios: tuple[int, ...]  # 8, 6, 5, 4
    kernel_size: int  # 7
    last_kernel_size: int  # 3
    residual_kernel_size: int  # 3
    dilation_growth_rate: int  # 2
    compress: int  # 2
    codebook_size: int  # 2048
    codebook_dim: int  # 256
    vector_quantization_hidden_dimension: int  # 256
    num_quantizers: int  # 32
    num_semantic_quantizers: int  # 1
    upsample_groups: int  # 512
    num_hidden_layers: int  # 8
    intermediate_size: int  # 2048
    num_attention_heads: int  # 8
    num_key_value_heads: int  # 8
    head_dim: int  # 64
    norm_eps: float  # 1e-5
    sliding_window: int  # 250
    rope_theta: float  # 10 000
    sampling_rate: int  # 24 000

    @classmethod
    def from_fields(cls, codec: Fields) -> "MimiConfig":
        """Raises ConfigError for a value that is missing, wrong, or of a Mimi not computed here."""
        _check_variant(codec)
        hidden_size = codec.integer("hidden_size")
        heads = codec.integer("num_attention_heads")
        config = cls(
            hidden_size=hidden_size,
            num_filters=codec.integer("num_filters"),
            num_residual_layers=codec.integer("num_residual_layers"),
            upsampling_ratios=codec.integers("upsampling_ratios"),
            kernel_size=codec.integer("kernel_size"),
            last_kernel_size=codec.integer("last_kernel_size"),
            residual_kernel_size=codec.integer("residual_kernel_size"),
            dilation_growth_rate=codec.integer("dilation_growth_rate"),
            compress=codec.integer("compress"),
            codebook_size=codec.integer("codebook_size"),
            codebook_dim=codec.integer("codebook_dim", default=hidden_size),
            vector_quantization_hidden_dimension=codec.integer(
                "vector_quantization_hidden_dimension"
            ),
            num_quantizers=codec.integer("num_quantizers", minimum=2),
            num_semantic_quantizers=codec.integer("num_semantic_quantizers"),
            upsample_groups=codec.integer("upsample_groups"),
            num_hidden_layers=codec.integer("num_hidden_layers"),
            intermediate_size=codec.integer("intermediate_size"),
            num_attention_heads=heads,
            num_key_value_heads=codec.integer("num_key_value_heads", default=heads),
            head_dim=codec.integer("head_dim", default=hidden_size // heads),
            norm_eps=codec.number("norm_eps"),
            sliding_window=codec.integer("sliding_window"),
            rope_theta=_rope_theta(codec),
            sampling_rate=codec.integer("sampling_rate"),
        )
        _check_sizes_agree(codec, config)
        return config

    @property
    def latent_stride(self) -> int:
        """Positions a frame. No key has it: the library takes it as 2, too."""
        return 2

    @property
    def frame_size(self) -> int:
        """Samples a frame: 1920, which is 80 ms."""
        return math.prod(self.upsampling_ratios) * self.latent_stride


def _check_variant(codec: Fields) -> None:
    """Every published Mimi has these. Anything else would need other mathematics."""
    codec.expect("model_type", "mimi", default="mimi")
    codec.expect("audio_channels", 1, default=1)
    codec.expect("use_causal_conv", True, default=True)
    codec.expect("use_conv_shortcut", False, default=False)
    codec.expect("pad_mode", "constant", default="constant")
    codec.expect("trim_right_ratio", 1.0, default=1.0)
    codec.expect("hidden_act", "gelu", default="gelu")
    codec.expect("attention_bias", False, default=False)


def _rope_theta(codec: Fields) -> float:
    # transformers 5 writes `rope_parameters`; 4 wrote `rope_theta` alone
    if codec.values.get("rope_parameters") is None:
        return codec.number("rope_theta")
    rope = codec.section("rope_parameters")
    rope.expect("rope_type", "default", default="default")
    return rope.number("rope_theta")


def _check_sizes_agree(codec: Fields, config: MimiConfig) -> None:
    multiples = {
        "hidden_size": (config.hidden_size, config.upsample_groups),
        "num_attention_heads": (config.num_attention_heads, config.num_key_value_heads),
        "head_dim": (config.head_dim, 2),
    }
    for key, (value, divisor) in multiples.items():
        if value % divisor:
            raise codec.error(key, f"a multiple of {divisor}", value)
    if not config.upsampling_ratios:
        raise codec.error("upsampling_ratios", "a list of integers > 0", [])
    if (semantic := config.num_semantic_quantizers) >= config.num_quantizers:
        wanted = f"below num_quantizers ({config.num_quantizers})"
        raise codec.error("num_semantic_quantizers", wanted, semantic)
    if (inner := config.vector_quantization_hidden_dimension) != config.codebook_dim:
        wanted = f"codebook_dim ({config.codebook_dim})"
        raise codec.error("vector_quantization_hidden_dimension", wanted, inner)
    # transformers 4 wrote what 5 derives
    frame_rate = config.sampling_rate / config.frame_size
    codec.expect("frame_rate", None, frame_rate, default=None)

"""Dimensions of a CSM, read from the config.json of a folder in transformers' format."""

from dataclasses import dataclass
from pathlib import Path

from csm_engine.csm.fields import ConfigError, Fields
from csm_engine.csm.mimi.config import MimiConfig


@dataclass(frozen=True, slots=True)
class Llama3Scaling:
    """How RoPE's frequencies are stretched (keys of `rope_parameters` with `rope_type` llama3)."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: int


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary position embedding; `scaling` None is the plain kind."""

    theta: float
    scaling: Llama3Scaling | None


@dataclass(frozen=True, slots=True)
class Transformer:
    """A Llama-style decoder: RMSNorm, grouped-query attention, SwiGLU, no biases."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    max_position_embeddings: int
    rms_norm_eps: float
    rope: Rope


@dataclass(frozen=True, slots=True)
class CsmConfig:
    """A whole CSM: backbone, depth decoder, and the codec whose codes they speak in.

    `vocab_size` counts a codebook's rows in the embedding table and in the heads; of these the
    codec has only `codebook_size`.
    """

    backbone: Transformer
    depth: Transformer
    codec: MimiConfig
    num_codebooks: int
    vocab_size: int
    text_vocab_size: int
    bos_token_id: int
    audio_token_id: int
    audio_eos_token_id: int
    codebook_eos_token_id: int
    tie_codebooks_embeddings: bool

    @property
    def codebook_size(self) -> int:
        return self.codec.codebook_size


def read_config(folder: Path) -> CsmConfig:
    """The config of a model's folder. Raises ConfigError, which names the key and the fix."""
    if not folder.is_dir():
        raise ConfigError(
            f"{folder} is not a folder: fetch a CSM into one (CSM-1B: accept its licence on its page,"
            " then `hf download sesame/csm-1b --local-dir FOLDER`) and name that"
        )
    return config_from(Fields.of_file(folder / "config.json"))


def config_from(fields: Fields) -> CsmConfig:
    """Raises ConfigError for a value that is missing, wrong, or that this engine cannot serve."""
    if (kind := fields.values.get("model_type")) != "csm":
        raise ConfigError(
            f"{fields.where}: model_type is {kind!r}, not 'csm': name a CSM in transformers' format"
        )
    depth, codec = fields.section("depth_decoder_config"), fields.section("codec_config")
    config = CsmConfig(
        backbone=_transformer(fields),
        depth=_transformer(depth),
        codec=MimiConfig.from_fields(codec),
        num_codebooks=fields.integer("num_codebooks", minimum=2),
        vocab_size=fields.integer("vocab_size"),
        text_vocab_size=fields.integer("text_vocab_size"),
        bos_token_id=fields.integer("bos_token_id", minimum=0),
        audio_token_id=fields.integer("audio_token_id", minimum=0),
        audio_eos_token_id=fields.integer("audio_eos_token_id", minimum=0),
        codebook_eos_token_id=fields.integer("codebook_eos_token_id", minimum=0),
        tie_codebooks_embeddings=fields.flag("tie_codebooks_embeddings", default=True),
    )
    _check_ids(fields, config)
    _check_parts_agree(config, depth, codec)
    return config


def _transformer(fields: Fields) -> Transformer:
    for key in ("attention_bias", "mlp_bias"):
        fields.expect(key, False, default=False)
    fields.expect("hidden_act", "silu", default="silu")
    hidden_size = fields.integer("hidden_size")
    heads = fields.integer("num_attention_heads")
    kv_heads = fields.integer("num_key_value_heads", default=heads)
    head_dim = fields.integer("head_dim", default=hidden_size // heads)
    if heads % kv_heads:
        raise fields.error("num_attention_heads", f"a multiple of {kv_heads}", heads)
    if head_dim % 2:
        raise fields.error("head_dim", "even (RoPE turns pairs)", head_dim)
    return Transformer(
        hidden_size=hidden_size,
        intermediate_size=fields.integer("intermediate_size"),
        num_hidden_layers=fields.integer("num_hidden_layers"),
        num_attention_heads=heads,
        num_key_value_heads=kv_heads,
        head_dim=head_dim,
        max_position_embeddings=fields.integer("max_position_embeddings"),
        rms_norm_eps=fields.number("rms_norm_eps"),
        rope=_rope(fields),
    )


def _rope(fields: Fields) -> Rope:
    # transformers 5 writes `rope_parameters`; 4 wrote `rope_scaling` with `rope_theta` beside it.
    # Neither is taken for "no scaling": the released weights sound wrong without theirs.
    if fields.values.get("rope_parameters") is not None:
        rope = fields.section("rope_parameters")
        theta = rope.number("rope_theta")
    elif fields.values.get("rope_scaling") is not None:
        rope, theta = fields.section("rope_scaling"), fields.number("rope_theta")
    else:
        raise ConfigError(f"{fields.where}: rope_parameters is missing: copy it from the model")
    if rope.expect("rope_type", "default", "llama3", default=None) == "default":
        return Rope(theta, None)
    scaling = Llama3Scaling(
        factor=rope.number("factor"),
        low_freq_factor=rope.number("low_freq_factor"),
        high_freq_factor=rope.number("high_freq_factor"),
        original_max_position_embeddings=rope.integer("original_max_position_embeddings"),
    )
    if scaling.high_freq_factor <= scaling.low_freq_factor:
        low, high = scaling.low_freq_factor, scaling.high_freq_factor
        raise rope.error("high_freq_factor", f"above low_freq_factor ({low})", high)
    return Rope(theta, scaling)


def _check_ids(fields: Fields, config: CsmConfig) -> None:
    for key in ("bos_token_id", "audio_token_id", "audio_eos_token_id"):
        if (id := getattr(config, key)) >= config.text_vocab_size:
            raise fields.error(key, f"below text_vocab_size ({config.text_vocab_size})", id)
    if (eos := config.codebook_eos_token_id) >= config.codebook_size:
        raise fields.error("codebook_eos_token_id", f"below {config.codebook_size}", eos)


def _check_parts_agree(config: CsmConfig, depth: Fields, codec: Fields) -> None:
    for key, wanted in (
        ("num_codebooks", config.num_codebooks),
        ("vocab_size", config.vocab_size),
        ("backbone_hidden_size", config.backbone.hidden_size),
    ):
        if (value := depth.integer(key)) != wanted:
            raise depth.error(key, f"the backbone's {wanted}", value)
    if (positions := config.depth.max_position_embeddings) < config.num_codebooks:
        raise depth.error("max_position_embeddings", f"≥ {config.num_codebooks}", positions)
    if (quantizers := config.codec.num_quantizers) < config.num_codebooks:
        raise codec.error("num_quantizers", f"≥ num_codebooks ({config.num_codebooks})", quantizers)
    if config.codebook_size > config.vocab_size:
        size = config.codebook_size
        raise codec.error("codebook_size", f"≤ vocab_size ({config.vocab_size})", size)

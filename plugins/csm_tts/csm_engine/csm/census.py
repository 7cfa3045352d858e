"""Every tensor of a CSM checkpoint: its name in transformers' format and its shape.

The released CSM-1B has 538 of them: 188 here, 350 of its codec (counted by their names below).
"""

from csm_engine.csm.codec_census import codec_tensors
from csm_engine.csm.config import CsmConfig, Transformer

Shape = tuple[int, ...]

BACKBONE = "backbone_model."
DEPTH = "depth_decoder.model."
CODEC = "codec_model."
TEXT_EMBEDDING = "embed_text_tokens.weight"
AUDIO_EMBEDDING = "backbone_model.embed_tokens.embed_audio_tokens.weight"
DEPTH_EMBEDDING = "depth_decoder.model.embed_tokens.weight"
PROJECTOR = "depth_decoder.model.inputs_embeds_projector.weight"
BACKBONE_HEAD = "lm_head.weight"
DEPTH_HEADS = "depth_decoder.codebooks_head.weight"


def tensors(config: CsmConfig) -> dict[str, Shape]:
    """All names and shapes, with the depth decoder's embedding even where it is tied."""
    hidden, codes = config.backbone.hidden_size, config.num_codebooks * config.vocab_size
    depth = config.depth.hidden_size
    return {
        TEXT_EMBEDDING: (config.text_vocab_size, hidden),
        AUDIO_EMBEDDING: (codes, hidden),
        DEPTH_EMBEDDING: (codes, hidden),
        PROJECTOR: (depth, hidden),
        BACKBONE_HEAD: (config.vocab_size, hidden),
        DEPTH_HEADS: (config.num_codebooks - 1, depth, config.vocab_size),
        **_transformer(config.backbone, BACKBONE),
        **_transformer(config.depth, DEPTH),
        **{CODEC + name: shape for name, shape in codec_tensors(config.codec).items()},
    }


def _transformer(part: Transformer, prefix: str) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {f"{prefix}norm.weight": (part.hidden_size,)}
    for layer in range(part.num_hidden_layers):
        for name, shape in _layer(part).items():
            shapes[f"{prefix}layers.{layer}.{name}.weight"] = shape
    return shapes


def _layer(part: Transformer) -> dict[str, Shape]:
    hidden, inner = part.hidden_size, part.intermediate_size
    query = part.num_attention_heads * part.head_dim
    key = part.num_key_value_heads * part.head_dim
    return {
        "input_layernorm": (hidden,),
        "self_attn.q_proj": (query, hidden),
        "self_attn.k_proj": (key, hidden),
        "self_attn.v_proj": (key, hidden),
        "self_attn.o_proj": (hidden, query),
        "post_attention_layernorm": (hidden,),
        "mlp.gate_proj": (inner, hidden),
        "mlp.up_proj": (inner, hidden),
        "mlp.down_proj": (hidden, inner),
    }

"""Contents of a config.json, in transformers' keys."""

from typing import Any

Json = dict[str, Any]

LLAMA = {"rms_norm_eps": 1e-5, "hidden_act": "silu", "attention_bias": False, "mlp_bias": False}


def _llama3(low: float, high: float, positions: int) -> Json:
    """The released CSM's scaling. Written twice over other positions, it is the same waves."""
    return {
        "rope_type": "llama3",
        "rope_theta": 500_000.0,
        "factor": 32.0,
        "low_freq_factor": low,
        "high_freq_factor": high,
        "original_max_position_embeddings": positions,
    }


def _csm(*, backbone: Json, depth: Json, codec: Json, codebooks: int, vocab: int, bos: int) -> Json:
    codes = {"num_codebooks": codebooks, "vocab_size": vocab}
    return {
        "model_type": "csm",
        "architectures": ["CsmForConditionalGeneration"],
        **LLAMA,
        **codes,
        **backbone,
        "rope_parameters": _llama3(0.125, 0.5, 1024),
        "bos_token_id": bos,
        "pad_token_id": bos + 2,
        "audio_token_id": bos + 2,
        "audio_eos_token_id": bos + 3,
        "codebook_eos_token_id": 0,
        "codebook_pad_token_id": vocab - 1,
        "tie_codebooks_embeddings": True,
        "depth_decoder_config": {
            "model_type": "csm_depth_decoder_model",
            **LLAMA,
            **codes,
            **depth,
            "backbone_hidden_size": backbone["hidden_size"],
            "max_position_embeddings": codebooks + 1,
            "rope_parameters": _llama3(0.001953125, 0.0078125, 16),
        },
        "codec_config": {
            "model_type": "mimi",
            "sampling_rate": 24_000,
            "audio_channels": 1,
            "num_residual_layers": 1,
            "upsampling_ratios": [8, 6, 5, 4],
            "kernel_size": 7,
            "last_kernel_size": 3,
            "residual_kernel_size": 3,
            "dilation_growth_rate": 2,
            "compress": 2,
            "num_quantizers": codebooks,
            "num_semantic_quantizers": 1,
            "norm_eps": 1e-5,
            "sliding_window": 250,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0},
            **codec,
        },
    }


CSM_1B = _csm(
    codebooks=32,
    vocab=2051,
    bos=128_000,
    backbone={
        "text_vocab_size": 128_256,
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "max_position_embeddings": 2048,
    },
    depth={
        "hidden_size": 1024,
        "intermediate_size": 8192,
        "num_hidden_layers": 4,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": 128,
    },
    codec={
        "hidden_size": 512,
        "num_filters": 64,
        "codebook_size": 2048,
        "codebook_dim": 256,
        "vector_quantization_hidden_dimension": 256,
        "upsample_groups": 512,
        "num_hidden_layers": 8,
        "intermediate_size": 2048,
        "num_attention_heads": 8,
        "num_key_value_heads": 8,
        "head_dim": 64,
    },
)
"""As released: 538 tensors, 1.63 billion parameters."""

TINY = _csm(
    codebooks=8,
    vocab=67,
    bos=300,
    backbone={
        "text_vocab_size": 320,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 3,
        "num_attention_heads": 8,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 256,
    },
    depth={
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
    },
    codec={
        "hidden_size": 32,
        "num_filters": 4,
        "codebook_size": 64,
        "codebook_dim": 16,
        "vector_quantization_hidden_dimension": 16,
        "upsample_groups": 32,
        "num_hidden_layers": 2,
        "intermediate_size": 64,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
        "head_dim": 16,
    },
)
"""Every part of a CSM, with every trap of its shapes, at a size for one core."""

"""Every tensor of the Mimi codec inside a CSM checkpoint, without its prefix `codec_model.`."""

from itertools import count

from csm_engine.csm.mimi.config import MimiConfig

Shape = tuple[int, ...]


def codec_tensors(codec: MimiConfig) -> dict[str, Shape]:
    """Names and shapes, encoder and decoder."""
    hidden, between = codec.hidden_size, 2 * codec.latent_stride
    return {
        **_seanet_encoder(codec),
        **_transformer(codec, "encoder_transformer"),
        # Between SEANet's 25 Hz and the codes' 12.5 Hz: kernels of twice the stride, no bias.
        "downsample.conv.weight": (hidden, hidden, between),
        "upsample.conv.weight": (hidden, hidden // codec.upsample_groups, between),
        **_quantizers(codec),
        **_transformer(codec, "decoder_transformer"),
        **_seanet_decoder(codec),
    }


def _conv(name: str, shape: Shape, bias: int) -> dict[str, Shape]:
    return {f"{name}.conv.weight": shape, f"{name}.conv.bias": (bias,)}


def _residual(codec: MimiConfig, name: str, width: int) -> dict[str, Shape]:
    inner = width // codec.compress
    kernel = codec.residual_kernel_size
    return {
        **_conv(f"{name}.block.1", (inner, width, kernel), inner),
        **_conv(f"{name}.block.3", (width, inner, 1), width),
    }


def _seanet_encoder(codec: MimiConfig) -> dict[str, Shape]:
    """conv, then per ratio (residual blocks, ELU, strided conv), ELU, conv; ELUs are counted."""
    width, at = codec.num_filters, count()
    first, last = codec.kernel_size, codec.last_kernel_size
    shapes = _conv(f"encoder.layers.{next(at)}", (width, 1, first), width)
    for ratio in reversed(codec.upsampling_ratios):
        for _ in range(codec.num_residual_layers):
            shapes |= _residual(codec, f"encoder.layers.{next(at)}", width)
        next(at)
        shape = (2 * width, width, 2 * ratio)
        shapes |= _conv(f"encoder.layers.{next(at)}", shape, 2 * width)
        width *= 2
    next(at)
    hidden = codec.hidden_size
    return shapes | _conv(f"encoder.layers.{next(at)}", (hidden, width, last), hidden)


def _seanet_decoder(codec: MimiConfig) -> dict[str, Shape]:
    """conv, then per ratio (ELU, transposed conv, residual blocks), ELU, conv to one channel."""
    ratios = codec.upsampling_ratios
    width, at = codec.num_filters * 2 ** len(ratios), count()
    first, last = codec.kernel_size, codec.last_kernel_size
    hidden = codec.hidden_size
    shapes = _conv(f"decoder.layers.{next(at)}", (width, hidden, first), width)
    for ratio in ratios:
        next(at)
        shape = (width, width // 2, 2 * ratio)
        shapes |= _conv(f"decoder.layers.{next(at)}", shape, width // 2)
        width //= 2
        for _ in range(codec.num_residual_layers):
            shapes |= _residual(codec, f"decoder.layers.{next(at)}", width)
    next(at)
    return shapes | _conv(f"decoder.layers.{next(at)}", (1, width, last), 1)


def _transformer(codec: MimiConfig, name: str) -> dict[str, Shape]:
    hidden, inner = codec.hidden_size, codec.intermediate_size
    query = codec.num_attention_heads * codec.head_dim
    key = codec.num_key_value_heads * codec.head_dim
    layer: dict[str, Shape] = {
        "input_layernorm.weight": (hidden,),
        "input_layernorm.bias": (hidden,),
        "self_attn.q_proj.weight": (query, hidden),
        "self_attn.k_proj.weight": (key, hidden),
        "self_attn.v_proj.weight": (key, hidden),
        "self_attn.o_proj.weight": (hidden, query),
        "self_attn_layer_scale.scale": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
        "post_attention_layernorm.bias": (hidden,),
        "mlp.fc1.weight": (inner, hidden),
        "mlp.fc2.weight": (hidden, inner),
        "mlp_layer_scale.scale": (hidden,),
    }
    return {
        f"{name}.layers.{number}.{tensor}": shape
        for number in range(codec.num_hidden_layers)
        for tensor, shape in layer.items()
    }


def _quantizers(codec: MimiConfig) -> dict[str, Shape]:
    semantic = codec.num_semantic_quantizers
    acoustic = codec.num_quantizers - semantic
    return {
        **_quantizer(codec, "semantic", semantic),
        **_quantizer(codec, "acoustic", acoustic),
    }


def _quantizer(codec: MimiConfig, kind: str, codebooks: int) -> dict[str, Shape]:
    name = f"quantizer.{kind}_residual_vector_quantizer"
    hidden = codec.hidden_size
    inner = codec.vector_quantization_hidden_dimension
    size, width = codec.codebook_size, codec.codebook_dim
    shapes: dict[str, Shape] = {}
    if inner != hidden:
        shapes[f"{name}.input_proj.weight"] = (inner, hidden, 1)
        shapes[f"{name}.output_proj.weight"] = (hidden, inner, 1)
    for number in range(codebooks):
        codebook = f"{name}.layers.{number}.codebook"
        shapes[f"{codebook}.embed_sum"] = (size, width)
        shapes[f"{codebook}.cluster_usage"] = (size,)
        shapes[f"{codebook}.initialized"] = (1,)
    return shapes

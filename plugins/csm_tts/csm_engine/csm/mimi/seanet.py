"""SEANet's two stacks, in the order of transformers' `MimiEncoder` and `MimiDecoder`."""

from csm_engine.csm.mimi.config import MimiConfig
from csm_engine.csm.mimi.convs import Conv1d, ConvTranspose1d, Elu, Layer, ResnetBlock, Stack
from csm_engine.csm.mimi.weights import MimiTensors


def build_decoder(config: MimiConfig, weights: MimiTensors) -> Stack:
    """Latents [B, hidden_size, positions] → sound [B, 1, positions x the product of the ratios]."""
    width = config.num_filters * 2 ** len(config.upsampling_ratios)
    layers: list[Layer] = [
        Conv1d(weights, "decoder.layers.0", (config.hidden_size, width), config.kernel_size)
    ]
    for ratio in config.upsampling_ratios:
        layers.append(Elu())
        name = f"decoder.layers.{len(layers)}"
        layers.append(ConvTranspose1d(weights, name, (width, width // 2), ratio))
        width //= 2
        _add_blocks(layers, config, weights, "decoder", width)
    layers.append(Elu())
    name = f"decoder.layers.{len(layers)}"
    layers.append(Conv1d(weights, name, (width, 1), config.last_kernel_size))
    return Stack(layers)


def build_encoder(config: MimiConfig, weights: MimiTensors) -> Stack:
    """Sound [B, 1, samples] → latents [B, hidden_size, samples / the product of the ratios]."""
    width = config.num_filters
    layers: list[Layer] = [Conv1d(weights, "encoder.layers.0", (1, width), config.kernel_size)]
    for ratio in reversed(config.upsampling_ratios):
        _add_blocks(layers, config, weights, "encoder", width)
        layers.append(Elu())
        name = f"encoder.layers.{len(layers)}"
        layers.append(Conv1d(weights, name, (width, 2 * width), 2 * ratio, stride=ratio))
        width *= 2
    layers.append(Elu())
    name = f"encoder.layers.{len(layers)}"
    layers.append(Conv1d(weights, name, (width, config.hidden_size), config.last_kernel_size))
    return Stack(layers)


def _add_blocks(
    layers: list[Layer], config: MimiConfig, weights: MimiTensors, half: str, width: int
) -> None:
    hidden = width // config.compress
    for index in range(config.num_residual_layers):
        name = f"{half}.layers.{len(layers)}"
        dilation = config.dilation_growth_rate**index
        kernel = config.residual_kernel_size
        wide = Conv1d(weights, f"{name}.block.1", (width, hidden), kernel, dilation=dilation)
        narrow = Conv1d(weights, f"{name}.block.3", (hidden, width), 1)
        layers.append(ResnetBlock([Elu(), wide, Elu(), narrow]))

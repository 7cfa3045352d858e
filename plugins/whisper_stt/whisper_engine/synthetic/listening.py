"""The weights of a scripted model's encoder, set by hand: it tells sound from silence."""

from typing import Any

import numpy as np

from whisper_engine.synthetic.files import zeros
from whisper_engine.synthetic.sparse import STEEP, Sparse, balance

FRAMES = 1500

# Places in the residual stream, after those of `sparse`.
LOUD, SOUND, FIRST, FRAME, FRAME_SQUARED = range(3, 8)

FRAME_UNIT = 512.0
"""Frames are kept small beside the constant pair."""

LOUD_MEL = -0.2
"""Mean log-mel feature above which a frame counts as sound: noise of -48 dBFS, speech of -45 dBFS.
Silence beside the loudest sound is at -0.27: features reach 2 below the loudest."""

SPEECH_BANDS = 0.6
"""Share of the mel bands, from the lowest, that a telephone carries."""

# Channels of the first convolution.
ABOVE, WELL_ABOVE, NEAR_ZERO = 0, 1, 2


def write_encoder(encoder: Any, sparse: Sparse, mels: int) -> None:
    """`SOUND` is 1 in a frame of sound, else 0; and 0 in the first frame, where `FIRST` is 1."""
    _write_convolutions(encoder, sparse.width, mels)
    frames = np.arange(FRAMES) / FRAME_UNIT
    rows = sparse.rows(FRAMES)
    rows[:, FRAME], rows[:, FRAME_SQUARED], rows[0, FIRST] = frames, frames**2, 1
    encoder.position_encodings.encodings = balance(rows)
    (layer,) = encoder.layer
    sparse.attention(layer.self_attention, memory=False)
    sparse.feed_forward(layer.ffn, 32)
    # What comes out of the convolutions has no opposite: the mean takes its share.
    kept = 1 - 1 / sparse.width
    into = layer.ffn.linear_0
    into.weight[:4, LOUD] = np.array([4, 4, 1, -1]) / kept
    into.bias[:2] = -1.5 * STEEP, -2.5 * STEEP
    into.weight[:2, FIRST] = -100
    into.weight[:2, LOUD] -= 100 / sparse.width / kept
    for unit, weight in enumerate((1, -1)):
        sparse.write(layer.ffn.linear_1, unit, {SOUND: weight / STEEP})
    # gelu(x) - gelu(-x) is x: nothing of it may stay, or it would shift the squares of the frames.
    layer.ffn.linear_1.weight[LOUD, 2:4] = -1, 1
    sparse.norm(encoder.layer_norm)


def _write_convolutions(encoder: Any, width: int, mels: int) -> None:
    """`LOUD` is `STEEP` or 0. Features of 0 are the padding that faster-whisper puts behind the audio."""
    encoder.conv1.weight, encoder.conv1.bias = zeros(width, mels, 3), zeros(width)
    encoder.conv2.weight, encoder.conv2.bias = zeros(width, width, 3), zeros(width)
    bands = round(SPEECH_BANDS * mels)
    sharp, sharpest = 40 * STEEP, 50 * STEEP
    encoder.conv1.weight[[ABOVE, WELL_ABOVE], :bands, 1] = sharp / bands
    encoder.conv1.bias[[ABOVE, WELL_ABOVE]] = -sharp * LOUD_MEL, -sharp * LOUD_MEL - STEEP
    encoder.conv1.weight[NEAR_ZERO : NEAR_ZERO + 3, :bands, 1] = sharpest / bands
    encoder.conv1.bias[NEAR_ZERO : NEAR_ZERO + 3] = STEEP, 0, -STEEP
    encoder.conv2.weight[LOUD, : NEAR_ZERO + 3, 1] = 1, -1, -1, 2, -1

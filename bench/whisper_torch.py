"""Whisper in torch, to be timed: transformers' modules with random weights, and a static cache.

The decoder's step is written out here, over those modules: transformers' own caches change with its
versions, and a CUDA graph needs memory that stays. A test holds it to transformers' forward.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import gelu, scaled_dot_product_attention
from transformers import WhisperConfig, WhisperModel

from bench.whisper_dims import DECODER_POSITIONS, ENCODER_POSITIONS, Dims

PROMPT = 4
"""Tokens: start, language, task, no timestamps."""

POSITIONS = 64
"""Of the static cache: prompt and text of a caller's turn. All are read at each step."""


def make_model(dims: Dims, device: str, dtype: torch.dtype) -> WhisperModel:
    """Random weights, made on the device."""
    config = WhisperConfig(
        vocab_size=dims.vocabulary,
        num_mel_bins=dims.mels,
        d_model=dims.width,
        encoder_layers=dims.encoder_layers,
        decoder_layers=dims.decoder_layers,
        encoder_attention_heads=dims.heads,
        decoder_attention_heads=dims.heads,
        encoder_ffn_dim=4 * dims.width,
        decoder_ffn_dim=4 * dims.width,
        max_source_positions=ENCODER_POSITIONS,
        max_target_positions=DECODER_POSITIONS,
    )
    with torch.device(device):
        model = WhisperModel(config)
    return model.to(dtype).eval().requires_grad_(requires_grad=False)


class Turns:
    """A batch of turns of one length, in memory that stays where it is: `hear`, `prompt`, then `step`
    as often as tokens are wanted. `tokens` are the latest, [batch, 1].
    """

    def __init__(self, model: WhisperModel, dims: Dims, batch: int, frames: int) -> None:
        self._encoder: Any = model.encoder
        self._decoder: Any = model.decoder
        self._dims = dims
        weights = self._decoder.embed_tokens.weight
        self._on = {"device": weights.device, "dtype": weights.dtype}
        self.mels = torch.randn(batch, dims.mels, frames, **self._on)
        head = dims.width // dims.heads
        layers = (dims.decoder_layers, 2, batch, dims.heads)
        self._said = torch.zeros(*layers, POSITIONS, head, **self._on)
        self._heard = torch.zeros(*layers, frames // 2, head, **self._on)
        self._position = torch.zeros(1, dtype=torch.long, device=weights.device)
        self._places = torch.arange(POSITIONS, device=weights.device)
        self._lead = torch.arange(PROMPT, device=weights.device).expand(batch, PROMPT).contiguous()
        self.tokens = torch.zeros(batch, 1, dtype=torch.long, device=weights.device)

    def encode(self) -> Tensor:
        """[batch, frames / 2, width]. Transformers' own forward takes 30 s only; CTranslate2 any length."""
        encoder = self._encoder
        state = gelu(encoder.conv2(gelu(encoder.conv1(self.mels)))).transpose(1, 2)
        state = state + encoder.embed_positions.weight[: state.shape[1]]
        for layer in encoder.layers:
            state = layer(state, None)
        states: Tensor = encoder.layer_norm(state)
        return states

    def hear(self) -> None:
        """Encode, and what each layer of the decoder makes of it once."""
        states = self.encode()
        for layer, heard in zip(self._decoder.layers, self._heard, strict=True):
            heard[0].copy_(self._heads(layer.encoder_attn.k_proj(states)))
            heard[1].copy_(self._heads(layer.encoder_attn.v_proj(states)))

    def prompt(self) -> None:
        self._say(self._lead, self._places[:PROMPT])
        self._position.fill_(PROMPT)

    def step(self) -> None:
        self._say(self.tokens, self._position)
        self._position.add_(1)

    def rewind(self) -> None:
        """To the first step, for steps without end."""
        self._position.fill_(PROMPT)

    def decode(self, tokens: Tensor, positions: Tensor) -> Tensor:
        """Logits after the last of `tokens` [batch, n], which stand at `positions` [n]."""
        decoder = self._decoder
        state = decoder.embed_tokens(tokens) + decoder.embed_positions.weight[positions]
        before = self._places <= positions[:, None]
        for layer, *memory in zip(decoder.layers, self._said, self._heard, strict=True):
            state = self._layer(layer, state, memory, positions, before)
        last = decoder.layer_norm(state[:, -1])
        return last @ decoder.embed_tokens.weight.T

    def _say(self, tokens: Tensor, positions: Tensor) -> None:
        self.tokens.copy_(self.decode(tokens, positions).argmax(-1, keepdim=True))

    def _layer(
        self, layer: Any, state: Tensor, memory: list[Tensor], positions: Tensor, before: Tensor
    ) -> Tensor:
        said, heard = memory
        attention, normed = layer.self_attn, layer.self_attn_layer_norm(state)
        said[0].index_copy_(2, positions, self._heads(attention.k_proj(normed)))
        said[1].index_copy_(2, positions, self._heads(attention.v_proj(normed)))
        state = state + self._attend(attention, normed, said, before)
        normed = layer.encoder_attn_layer_norm(state)
        state = state + self._attend(layer.encoder_attn, normed, heard, None)
        return state + layer.fc2(gelu(layer.fc1(layer.final_layer_norm(state))))

    def _attend(self, attention: Any, state: Tensor, memory: Tensor, mask: Tensor | None) -> Tensor:
        query = self._heads(attention.q_proj(state))
        found = scaled_dot_product_attention(query, memory[0], memory[1], attn_mask=mask)
        projected: Tensor = attention.out_proj(found.transpose(1, 2).flatten(2))
        return projected

    def _heads(self, state: Tensor) -> Tensor:
        """[batch, n, width] to [batch, heads, n, head]."""
        return state.unflatten(-1, (self._dims.heads, -1)).transpose(1, 2)


def captured(work: Callable[[], object]) -> Callable[[], None]:
    """`work` as a CUDA graph. Raises RuntimeError where it cannot be one."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(2):
            work()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    replay: Callable[[], None] = graph.replay
    return replay

"""What a language model's weights and keys and values take, from its dimensions. Pure."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Bits = Literal[4, 8, 16]

BLOCK = 16
"""Tokens of a block of vLLM's cache."""

GROUP = 128
"""Weights that share a 16-bit scale, where they have four bits."""

SIMILAR = 1.5
"""vLLM puts layers of two kinds into groups of the larger number below this ratio."""

BYTES_OF_KV = {"auto": 2, "fp8": 1}
"""By `--kv-cache-dtype`."""


@dataclass(frozen=True)
class Architecture:
    """A decoder: attention with grouped heads, a gated feed-forward.

    Args:
        windows: of each layer, how many tokens back it looks; None for all of them.
        norms: width-sized vectors of a layer, and whether each head's queries and keys have one.
        beside: parameters of other parts, an image tower.
    """

    name: str
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool
    windows: tuple[int | None, ...]
    positions: int
    norms: int = 2
    head_norms: bool = False
    biases: bool = False
    beside: int = 0

    @property
    def layers(self) -> int:
        return len(self.windows)

    @property
    def products(self) -> int:
        """Parameters of the layers' matrices: what quantisation makes smaller."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        attention = self.hidden * (2 * queries + 2 * keys)
        return self.layers * (attention + 3 * self.hidden * self.intermediate)

    @property
    def parameters(self) -> int:
        return self.products + self._others + self.beside

    @property
    def _others(self) -> int:
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        small = self.norms * self.hidden + self.head_norms * 2 * self.head_dim
        small += self.biases * (queries + 2 * keys)
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return embeddings + self.layers * small + self.hidden

    def weights(self, bits: Bits) -> int:
        """Bytes. Embeddings, norms and what is beside stay in 16 bits."""
        scales = self.products / GROUP * 2 if bits == 4 else 0  # noqa: PLR2004
        return math.ceil(self.products * bits / 8 + scales) + 2 * (self._others + self.beside)

    def kv(self, tokens: int, kv_bytes: int = 2) -> int:
        """Bytes of a call of so many tokens: a local layer keeps its window and no more."""
        token = 2 * self.kv_heads * self.head_dim * kv_bytes
        return token * sum(min(tokens, window or tokens) for window in self.windows)


@dataclass(frozen=True)
class Paging:
    """vLLM's cache of an architecture, as version 0.32 groups its layers
    (`vllm/v1/core/kv_cache_utils.py`): each group has as many layers, the last ones are padded, and
    a block holds the same tokens of all layers of one group."""

    groups: Mapping[int | None, int]
    """How many there are, by their window."""
    block_bytes: int

    @classmethod
    def of(cls, model: Architecture, kv_bytes: int = 2) -> "Paging":
        kinds = Counter(model.windows)
        size, most = min(kinds.values()), max(kinds.values())
        if most < SIMILAR * size:
            size = most
        token = 2 * model.kv_heads * model.head_dim * kv_bytes
        groups = {window: -(-count // size) for window, count in kinds.items()}
        return cls(groups, size * BLOCK * token)

    def held(self, tokens: int) -> int:
        """Bytes that a call of so many tokens keeps."""
        return self._bytes(tokens, in_flight=1)

    def in_flight(self, tokens: int) -> int:
        """Bytes that prompts under way, so many tokens in all, add: local layers give what left the
        window back when it has been read."""
        local = sum(count for window, count in self.groups.items() if window is not None)
        return local * -(-tokens // BLOCK) * self.block_bytes

    def largest(self, tokens: int, in_flight: int) -> int:
        """Bytes of one prompt of so many tokens, without which vLLM does not start."""
        return self._bytes(tokens, in_flight)

    def _bytes(self, tokens: int, in_flight: int) -> int:
        blocks = 0
        for window, count in self.groups.items():
            kept = tokens if window is None else min(tokens, window - 1 + in_flight)
            # A window need not begin where a block does.
            blocks += count * (-(-kept // BLOCK) + (window is not None and kept < tokens))
        return blocks * self.block_bytes

"""Random numbers by counter: a number is a function of its place, not of what was drawn before.

Philox-4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011), as Triton's
`tl.philox` computes it. Words of 32 bits are held in int64, which PyTorch can multiply; a product
wraps at 64 bits and its halves are still right.
"""

import torch
from torch import Tensor

ROUNDS = 10
MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
WEYL = (0x9E3779B9, 0xBB67AE85)
MASK = 0xFFFFFFFF

Words = tuple[Tensor, Tensor, Tensor, Tensor]


def philox(counter: Words, key: tuple[Tensor, Tensor]) -> Words:
    """Four words of each counter (four words too) under a key of two; shapes broadcast."""
    a, b, c, d = counter
    low, high = key
    for _ in range(ROUNDS):
        left, right = a * MULTIPLIERS[0], c * MULTIPLIERS[1]
        a, b, c, d = _high(right) ^ b ^ low, right & MASK, _high(left) ^ d ^ high, left & MASK
        low, high = (low + WEYL[0]) & MASK, (high + WEYL[1]) & MASK
    return a, b, c, d


def gumbel(seeds: Tensor, frames: Tensor, codebooks: int, codes: int) -> Tensor:
    """Gumbel noise [rows, codebooks, codes] float32, for int64 `seeds` and `frames` [rows].

    Each number depends on (seed, frame, codebook, code) alone. A seed counts modulo 2⁶⁴.
    """
    device = seeds.device
    key = (seeds & MASK)[:, None, None], _high(seeds)[:, None, None]
    block = torch.arange(-(-codes // 4), device=device)
    codebook = torch.arange(codebooks, device=device)[:, None]
    words = philox((block, codebook, frames[:, None, None] & MASK, torch.zeros_like(block)), key)
    flat = torch.stack(words, dim=-1).flatten(2)[..., :codes]
    # Odd multiples of 2⁻²⁴: never 0 or 1, and each is a float32.
    uniform = ((flat >> 9) * 2 + 1).float() * 2.0**-24
    return -(-uniform.log()).log()


def _high(words: Tensor) -> Tensor:
    return (words >> 32) & MASK

"""Floats to 16 bits and back."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.csm.mimi.pcm import from_int16, to_int16

pytestmark = pytest.mark.engine


def test_every_sample_survives_the_way_there_and_back() -> None:
    samples = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)
    assert torch.equal(to_int16(from_int16(samples)), samples)


@given(st.lists(st.floats(width=32), min_size=1))
def test_nothing_wraps(values: list[float]) -> None:
    for value, sample in zip(values, to_int16(torch.tensor(values)).tolist(), strict=True):
        if math.isnan(value):
            assert sample == 0
        elif abs(value) < 1:
            assert abs(sample - value * 32768) <= 0.5 or sample == 32767
        else:
            assert sample == (32767 if value > 0 else -32768)

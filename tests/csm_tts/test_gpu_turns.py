"""The parts of the CUDA device that need none."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from csm_engine.gpu.device import NO_ROOM, Cuda, DeviceError, ran_out_of_memory
from csm_engine.gpu.turns import LateError, Turns

pytestmark = pytest.mark.engine


@given(st.integers(1, 5), st.integers(0, 20), st.data())
def test_copies_that_may_be_read_never_share_a_buffer(
    count: int, begun: int, data: st.DataObject
) -> None:
    turns = Turns(count)
    taken = [turns.begin() for _ in range(begun)]
    latest = taken[-count:]
    buffers = [turns.buffer(turn) for turn in latest]
    assert len(set(buffers)) == len(latest)
    assert set(buffers) <= set(range(count))
    if late := taken[:-count]:
        with pytest.raises(LateError, match=f"there are {count} buffers"):
            turns.buffer(data.draw(st.sampled_from(late)))


def test_a_capture_that_broke_off_for_memory_is_told_from_others() -> None:
    def broken(first: Exception) -> RuntimeError:
        try:
            try:
                raise first
            finally:
                raise RuntimeError("operation failed due to a previous error during capture")
        except RuntimeError as error:
            return error

    assert ran_out_of_memory(torch.OutOfMemoryError("CUDA out of memory"))
    assert ran_out_of_memory(broken(torch.OutOfMemoryError("CUDA out of memory")))
    assert not ran_out_of_memory(broken(ValueError("a shape")))
    assert not ran_out_of_memory(None)
    assert "CSM_STREAMS" in NO_ROOM


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
def test_where_there_is_no_device_it_says_what_to_do() -> None:
    with pytest.raises(DeviceError, match="CSM_DEVICE=cpu"):
        Cuda()

"""What the engine relies on of any device: a CPU shows it always, a GPU where there is one."""

import pytest
import torch

from csm_engine.engine.device import Device
from csm_engine.gpu.device import COPIES, NO_ROOM
from csm_engine.gpu.turns import LateError
from tests.csm_tts.gpu_rows import DEVICES, make_device, on_gpu

pytestmark = pytest.mark.engine


@pytest.fixture(params=DEVICES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def on(name: str) -> Device:
    return make_device(name)


def test_what_was_captured_is_done_again_at_each_call(on: Device, name: str) -> None:
    total = torch.zeros(4, device=name)
    step = torch.ones(4, device=name)

    def add() -> None:
        total.add_(step)

    again = on.captured(add)
    total.zero_()
    again()
    step.fill_(10)
    again()
    assert total.tolist() == [11.0] * 4


def test_a_copy_has_what_was_there_when_it_was_asked_for(on: Device, name: str) -> None:
    tensor = torch.arange(6, device=name)
    first = on.fetch(tensor)
    tensor.mul_(2)
    second = on.fetch(tensor)
    tensor.zero_()
    assert second().tolist() == [0, 2, 4, 6, 8, 10]
    kept = first()
    for _ in range(2 * COPIES):
        on.fetch(tensor)()
    assert kept.tolist() == [0, 1, 2, 3, 4, 5]
    assert kept.device.type == "cpu"


def test_work_beside_sees_what_came_before_and_join_sees_that_work(on: Device, name: str) -> None:
    source, doubled, summed = (torch.zeros(1 << 20, device=name) for _ in range(3))

    def double() -> None:
        doubled.copy_(source * 2)

    def add() -> None:
        summed.copy_(doubled + 1)

    with on.beside():
        doubling = on.captured(double)
    adding = on.captured(add)
    on.join()
    for turn in range(20):
        source.fill_(turn)
        with on.beside():
            doubling()
        on.join()
        adding()
        assert on.fetch(summed)()[-1].item() == 2 * turn + 1


def test_what_was_captured_outside_is_right_beside_too(on: Device, name: str) -> None:
    """Both graphs compute in one memory: they must wait for each other."""
    source = torch.zeros(1 << 20, device=name)
    results = [torch.zeros_like(source) for _ in range(2)]

    def cubed(into: torch.Tensor, offset: float) -> None:
        into.copy_((source + offset) * (source + offset) * (source + offset))

    first = on.captured(lambda: cubed(results[0], 1.0))
    second = on.captured(lambda: cubed(results[1], 2.0))
    for turn in range(10):
        source.fill_(turn)
        first()
        with on.beside():
            second()
        on.join()
        first()
        wanted = [(turn + 1.0) ** 3, (turn + 2.0) ** 3]
        assert [result[-1].item() for result in results] == wanted


@pytest.mark.gpu
@on_gpu[-1]
def test_a_copy_that_is_read_too_late_is_an_error() -> None:
    on = make_device("cuda")
    tensor = torch.zeros(3, device="cuda")
    late = on.fetch(tensor)
    for _ in range(COPIES):
        on.fetch(tensor)
    with pytest.raises(LateError):
        late()


@pytest.mark.gpu
@on_gpu[-1]
def test_graphs_without_room_name_the_setting() -> None:
    on = make_device("cuda")

    def greedy() -> None:
        torch.empty(1 << 45, device="cuda")

    with pytest.raises(torch.OutOfMemoryError, match="CSM_STREAMS"):
        on.captured(greedy)
    assert "CSM_STREAMS" in NO_ROOM
    on.captured(lambda: None)

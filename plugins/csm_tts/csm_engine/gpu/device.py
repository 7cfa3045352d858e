"""A CUDA device, as the engine asks for it: graphs, copies that nobody waits for, a second stream."""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from csm_engine.engine.device import Run
from csm_engine.gpu.turns import Turns

WARM_UPS = 2
"""Runs before a capture: libraries make their handles and choose their kernels in the first."""

COPIES = 3
"""Host buffers a shape: two copies under way, and one that is being read."""

FIRST = -1
"""Priority of a stream whose work goes before that of others."""

NO_ROOM = "the device has no memory left for its graphs: set CSM_STREAMS lower"


class DeviceError(RuntimeError):
    """There is no such device."""


class _Pool:
    """What graphs compute in, one after the other: those of one pool must never run at once.

    `capturing` is the one stream that they are captured on, as the allocator wants it; `user` the
    one that ran them last.
    """

    def __init__(self, device: torch.device, user: torch.cuda.Stream) -> None:
        self.capturing = _new_stream(device)
        self.user = user
        self.handle = torch.cuda.graph_pool_handle()


class Cuda:
    """A `Device`. Made and used on one thread.

    What is captured inside `beside` is to be replayed there, and beside the rest; what is captured
    outside is right there too, but waits for the work of its own stream.

    Args:
        tf32: let products and convolutions of float32 (the codec's) round their factors to 10 bits.
            It is the process's setting, as torch has it, and off unless asked for.

    Raises:
        DeviceError: there is no CUDA here.
    """

    def __init__(self, device: torch.device | str = "cuda", *, tf32: bool = False) -> None:
        if not torch.cuda.is_available():
            raise DeviceError(
                "torch finds no CUDA device: install the driver and a torch with CUDA, or set"
                " CSM_DEVICE=cpu"
            )
        self._device = torch.device(device)
        self._side = _new_stream(self._device, FIRST)
        self._left = _new_event()
        self._pools: dict[torch.cuda.Stream, _Pool] = {}
        self._copies: dict[tuple[torch.Size, torch.dtype], _Copies] = {}
        precision = "tf32" if tf32 else "ieee"
        torch.backends.cuda.matmul.fp32_precision = precision
        torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined] # made at run time

    def captured(self, run: Run) -> Run:
        """Capture the largest first: the smaller ones then compute in its memory.

        Raises torch.OutOfMemoryError, which names the setting to lower.
        """
        asking = self._stream()
        pool = self._pools.get(asking) or self._pool(asking)
        graph = torch.cuda.CUDAGraph()
        pool.capturing.wait_stream(asking)
        try:
            with torch.cuda.stream(pool.capturing):
                for _ in range(WARM_UPS):
                    run()
            with torch.cuda.graph(graph, pool=pool.handle, stream=pool.capturing):
                run()
        except RuntimeError as error:
            if ran_out_of_memory(error):
                raise torch.OutOfMemoryError(NO_ROOM) from error
            raise
        asking.wait_stream(pool.capturing)
        return partial(self._replay, graph, pool)

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        """No more than `COPIES` of one shape and type at once. What is given may be kept."""
        key = tensor.shape, tensor.dtype
        copies = self._copies.get(key)
        if copies is None:
            copies = self._copies[key] = _Copies(*key)
        return copies.begin(tensor, self._stream())

    @contextlib.contextmanager
    def beside(self) -> Iterator[None]:
        """A tensor that was made outside and is used inside must live until `join`."""
        self._side.wait_stream(self._stream())
        with torch.cuda.stream(self._side):
            try:
                yield
            finally:
                self._left.record(self._side)

    def join(self) -> None:
        self._stream().wait_event(self._left)

    def _stream(self) -> torch.cuda.Stream:
        return torch.cuda.current_stream(self._device)

    def _pool(self, asking: torch.cuda.Stream) -> _Pool:
        pool = self._pools[asking] = _Pool(self._device, asking)
        return pool

    def _replay(self, graph: torch.cuda.CUDAGraph, pool: _Pool) -> None:
        stream = self._stream()
        if pool.user != stream:
            stream.wait_stream(pool.user)
            pool.user = stream
        graph.replay()


class _Copies:
    """Pinned host memory for copies of one shape and type."""

    def __init__(self, shape: torch.Size, dtype: torch.dtype) -> None:
        self._turns = Turns(COPIES)
        self._buffers = [torch.empty(shape, dtype=dtype, pin_memory=True) for _ in range(COPIES)]
        self._copied = [_new_event() for _ in range(COPIES)]

    def begin(self, tensor: Tensor, stream: torch.cuda.Stream) -> Callable[[], Tensor]:
        turn = self._turns.begin()
        number = self._turns.buffer(turn)
        # A copy that nobody read may still be on its way into this buffer, from another stream.
        stream.wait_event(self._copied[number])
        self._buffers[number].copy_(tensor, non_blocking=True)
        self._copied[number].record(stream)
        return partial(self._read, turn)

    def _read(self, turn: int) -> Tensor:
        number = self._turns.buffer(turn)
        self._copied[number].synchronize()
        return self._buffers[number].clone()


def _new_stream(device: torch.device, priority: int = 0) -> torch.cuda.Stream:
    return torch.cuda.Stream(device, priority)  # type: ignore[no-untyped-call] # untyped in torch


def _new_event() -> torch.cuda.Event:
    return torch.cuda.Event()  # type: ignore[no-untyped-call] # untyped in torch


def ran_out_of_memory(error: BaseException | None) -> bool:
    """Whether it did, or what came before it: a capture that is broken off reports its own end."""
    while error is not None:
        if isinstance(error, torch.OutOfMemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False

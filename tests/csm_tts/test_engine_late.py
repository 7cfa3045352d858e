"""A device that works as late as it may: what the engine asks of it must not rest on luck."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import torch
from torch import Tensor

from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.engine.device import Host, Run
from csm_engine.engine.talk import Stop
from tests.csm_tts.csm_folders import batch
from tests.csm_tts.desk import HELLO, LONG, NEVER, OPEN, Desk, assert_same, taken, talk

pytestmark = pytest.mark.engine


class Late(Host):
    """Does what it was asked for beside the rest when somebody waits for it, and not before."""

    def __init__(self) -> None:
        self._left: deque[Run] = deque()
        self._is_beside = False

    def captured(self, run: Run) -> Run:
        return lambda: self._left.append(run) if self._is_beside else run()

    def fetch(self, tensor: Tensor) -> Callable[[], Tensor]:
        if not self._is_beside:
            return super().fetch(tensor)
        copies: list[Tensor] = []
        self._left.append(lambda: copies.append(tensor.clone()))

        def wait() -> Tensor:
            while not copies:
                self._left.popleft()()
            return copies[0]

        return wait

    @contextmanager
    def beside(self) -> Iterator[None]:
        self._is_beside = True
        yield
        self._is_beside = False

    def join(self) -> None:
        while self._left:
            self._left.popleft()()


async def test_work_beside_the_rest_may_come_as_late_as_it_likes() -> None:
    torch.set_num_threads(1)
    model: Csm = random_model(TINY, seed=1)
    heard: list[list[bytes]] = []
    for device in (Host(), Late()):
        desk = Desk(batch(model, guards=NEVER, device=device, pages=128), in_flight=2)
        first, second, third = talk(), talk("ben"), talk()
        tickets = [desk.say(first, HELLO), desk.say(second, LONG)]
        for _ in range(12):
            desk.loop.turn()
        # It begins in the slot of the one that is stopped, while that one's sound is under way.
        desk.inbox.put(Stop(first, tickets.pop(0)))
        tickets.append(desk.say(third, OPEN))
        taking = [asyncio.create_task(taken(ticket)) for ticket in tickets]
        while not all(task.done() for task in taking):
            await desk.work()
        sounds = [await task for task in taking]
        sounds.append(await desk.spoken(first, OPEN))
        heard.append(sounds)
    for got, wanted in zip(*heard, strict=True):
        assert_same(got, wanted)

"""An engine whose turns and clock are a test's own."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from csm_engine.csm.backbone import Backbone
from csm_engine.csm.model import Csm
from csm_engine.csm.sampler import Sampling
from csm_engine.endings.ending import Guards
from csm_engine.engine.batch import Batch
from csm_engine.engine.inbox import Inbox
from csm_engine.engine.line import Line
from csm_engine.engine.loop import Loop
from csm_engine.engine.talk import Speak, Talk
from csm_engine.engine.ticket import Ticket
from csm_engine.engine.watch import Watch
from csm_engine.protocol import FRAME_SECONDS
from tests.csm_tts.csm_folders import batch

NEVER = Guards(silent_frames=10_000, repeats=10_000, leading=-1_000)
"""What a model without training says may well be silent or alike."""

HELLO, OPEN = "Good morning.", "Yes, we are."
LONG = "We are open from nine until five every day."


class Desk:
    """An engine without its thread: `turns` let it work, the clock stands while it does."""

    def __init__(self, rows: Batch, *, in_flight: int = 1) -> None:
        self.now = 100.0
        self.inbox = Inbox()
        self.inbox.open()
        self.rows = rows
        self.watch = Watch()
        self.loop = Loop(rows, self.inbox, lambda: self.now, self.watch, in_flight=in_flight)

    def counted(self, name: str, **labels: str) -> float:
        """Of the engine's metrics."""
        return self.watch.registry.get_sample_value(f"parley_csm_{name}", labels) or 0.0

    def say(self, talk: Talk, text: str, *, utterance: str = "u", seed: int = 1) -> Ticket:
        ticket = Ticket(Line(text, Sampling(seed=seed), utterance), self.inbox.wake)
        self.inbox.put(Speak(talk, ticket))
        return ticket

    async def work(self, until: Callable[[], bool] = lambda: False) -> float | None:
        """Turns, as many as there is work for; the last one's answer."""
        for _ in range(5_000):
            wait = self.loop.turn()
            await asyncio.sleep(0)  # what was handed over arrives
            if wait != 0 or until():
                return wait
        raise AssertionError("it never rests")

    async def spoken(self, talk: Talk, text: str, **options: object) -> bytes:
        """A sentence to its end."""
        ticket = self.say(talk, text, **options)  # type: ignore[arg-type]
        taking = asyncio.create_task(taken(ticket))
        while not taking.done():
            await self.work(taking.done)
            self.now += FRAME_SECONDS
        return await taking


async def taken(ticket: Ticket) -> bytes:
    return b"".join([sound async for sound in ticket.sounds()])


def talk(voice: str = "ada", *, remembers: str = "agent", live: bool = False) -> Talk:
    return Talk(voice, remembers=remembers, live=live)  # type: ignore[arg-type]


def assert_same(got: bytes, wanted: bytes) -> None:
    """Codes are the same to the bit; the codec's sums round by the rows of its batch."""
    ours, theirs = (np.frombuffer(sound, np.int16).astype(int) for sound in (got, wanted))
    assert ours.shape == theirs.shape
    assert not len(ours) or abs(ours - theirs).max() <= 1


class Fragile(Backbone):
    """Runs out of memory as often as it is told to: when it embeds, or once its room is taken."""

    def __init__(self, model: Csm) -> None:
        super().__init__(model.config, model.weights.backbone, model.ops)
        self.embeds = self.forwards = 0

    def embed(self, *args: Any) -> Tensor:
        if self.embeds:
            self.embeds -= 1
            raise torch.OutOfMemoryError("told to break")
        return super().embed(*args)

    def forward(self, *args: Any) -> Tensor:
        if self.forwards:
            self.forwards -= 1
            raise torch.OutOfMemoryError("told to break")
        return super().forward(*args)


def fragile(model: Csm, **options: Any) -> tuple[Fragile, Batch]:
    backbone = Fragile(model)
    return backbone, batch(replace(model, backbone=backbone), guards=NEVER, **options)

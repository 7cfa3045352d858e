"""Conversations that do anything at any moment: the engine loses nothing, and nobody waits for ever."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress

import pytest
import torch

from csm_engine.csm.model import Csm
from csm_engine.csm.synthetic import TINY, random_model
from csm_engine.engine.talk import Append, Close, Cut, Reset, Stop, Talk
from csm_engine.engine.ticket import Ticket
from csm_engine.model import SpeakError
from csm_engine.protocol import FRAME_SECONDS
from tests.csm_tts.csm_folders import batch
from tests.csm_tts.desk import HELLO, NEVER, OPEN, Desk, assert_same, fragile, talk

pytestmark = pytest.mark.engine

SLOTS, ACTIONS = 3, 60
ROOM, SCARCE = 160, 22
"""Pages: for all conversations in full, or for less than two, so that some are given up."""

REPLIES = ("Yes.", "One moment.", OPEN)
WITNESS = (HELLO, OPEN)


@pytest.fixture(scope="module")
def model() -> Csm:
    torch.set_num_threads(1)
    return random_model(TINY, seed=1)


class Party:
    """A conversation and who listens to it, when it wants to."""

    def __init__(self, desk: Desk, of: Talk) -> None:
        self.desk = desk
        self.talk = of
        self.listens = asyncio.Event()
        self.listens.set()
        self.utterance = 0
        self.failed: list[SpeakError] = []
        self._ticket: Ticket | None = None
        self._taking: asyncio.Task[bytes] | None = None

    @property
    def speaks(self) -> bool:
        return self._taking is not None and not self._taking.done()

    def say(self, text: str) -> None:
        self.utterance += 1
        self._ticket = self.desk.say(self.talk, text, utterance=str(self.utterance))
        self._taking = asyncio.create_task(self._taken(self._ticket))

    def stop(self) -> None:
        """As an engine's `speak` does when it is closed: in the middle, or after the end."""
        if self._ticket is not None and self._taking is not None:
            self._taking.cancel()
            self.desk.inbox.put(Stop(self.talk, self._ticket))

    async def sound(self) -> bytes:
        assert self._taking is not None
        return await self._taking

    async def _taken(self, ticket: Ticket) -> bytes:
        sound = b""
        with suppress(asyncio.CancelledError):
            try:
                async for piece in ticket.sounds():
                    await self.listens.wait()
                    sound += piece
            except SpeakError as error:
                self.failed.append(error)
        return sound


class Witness(Party):
    """Says the same after the same, whatever the others do."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk, talk("ben", remembers="texts"))
        self.heard: list[bytes] = []
        desk.inbox.put(Append(self.talk, "caller", "Good morning."))

    async def go_on(self) -> None:
        if self.speaks:
            return
        if self._taking is not None:
            self.heard.append(await self.sound())
            self._taking = None
        if len(self.heard) < len(WITNESS):
            self.say(WITNESS[len(self.heard)])


async def to_the_end(desk: Desk, over: Callable[[], bool]) -> None:
    for _ in range(2_000):
        await desk.work(over)
        if over():
            return
        desk.now += FRAME_SECONDS
    raise AssertionError("somebody waits for ever")


async def witnessed(desk: Desk, witness: Witness) -> list[bytes]:
    while len(witness.heard) < len(WITNESS):
        await witness.go_on()
        await to_the_end(desk, lambda: not witness.speaks)
    return witness.heard


class Switchboard:
    """Three that do what chance tells them, on a desk with as many slots as there are parties less
    one."""

    def __init__(self, desk: Desk, chance: random.Random) -> None:
        self.desk = desk
        self.chance = chance
        self.parties = [self.party() for _ in range(SLOTS)]
        self.gone: list[Party] = []

    def party(self) -> Party:
        remembers = self.chance.choice(("nothing", "agent", "texts"))
        return Party(self.desk, talk(remembers=remembers, live=self.chance.random() < 0.5))

    def act(self) -> None:
        party = self.chance.choice(self.parties)
        inbox = self.desk.inbox
        match self.chance.choice(("say", "say", "stop", "cut", "cut late", *"ardlw")):
            case "say" if not party.speaks:
                party.say(self.chance.choice(REPLIES))
            case "stop":
                party.stop()
            case "cut":
                party.stop()
                inbox.put(Cut(party.talk, str(party.utterance), self.chance.random() * 3))
            case "cut late":
                utterance = str(self.chance.randint(1, party.utterance + 1))
                inbox.put(Cut(party.talk, utterance, self.chance.random() * 3))
            case "a":
                inbox.put(Append(party.talk, "caller", "And tomorrow?"))
                inbox.put(Append(party.talk, "agent", "Tomorrow too."))
            case "r":
                inbox.put(Reset(party.talk))
            case "d":
                self.close(party)
                self.parties.append(self.party())
            case "l":
                (party.listens.clear if party.listens.is_set() else party.listens.set)()
            case "w":
                self.desk.now += self.chance.random()

    def close(self, party: Party) -> None:
        if self.chance.random() < 0.5:
            party.stop()
        self.desk.inbox.put(Close(party.talk))
        self.parties.remove(party)
        self.gone.append(party)

    async def hang_up(self) -> None:
        """Everybody listens to the end, or what is left of it; then they go."""
        everybody = [*self.parties, *self.gone]
        for party in everybody:
            party.listens.set()
        await to_the_end(self.desk, lambda: not any(party.speaks for party in everybody))
        for party in list(self.parties):
            self.close(party)


@pytest.mark.parametrize("in_flight", [1, 2])
@pytest.mark.parametrize("seed", range(3))
async def test_who_is_left_alone_sounds_as_if_alone(model: Csm, seed: int, in_flight: int) -> None:
    rows = batch(model, guards=NEVER, slots=SLOTS, pages=ROOM)
    desk, free = Desk(rows, in_flight=in_flight), rows.free_pages
    board, witness = Switchboard(desk, random.Random(seed)), Witness(desk)
    for _ in range(ACTIONS):
        await witness.go_on()
        board.act()
        for _ in range(board.chance.randint(0, 6)):
            desk.loop.turn()
            await asyncio.sleep(0)
    await board.hang_up()
    await witnessed(desk, witness)
    desk.inbox.put(Close(witness.talk))
    await desk.work()
    assert (rows.free_slots, rows.free_pages) == (SLOTS, free)
    assert not witness.failed
    alone = Desk(batch(model, guards=NEVER, slots=SLOTS, pages=ROOM))
    wanted = await witnessed(alone, Witness(alone))
    for got, each in zip(witness.heard, wanted, strict=True):
        assert_same(got, each)


@pytest.mark.parametrize("in_flight", [1, 2])
@pytest.mark.parametrize("seed", range(5, 7))
async def test_a_device_that_fails_now_and_then_loses_nothing(
    model: Csm, seed: int, in_flight: int
) -> None:
    backbone, rows = fragile(model, slots=SLOTS, pages=SCARCE)
    desk, free = Desk(rows, in_flight=in_flight), rows.free_pages
    board = Switchboard(desk, random.Random(seed))
    for number in range(ACTIONS):
        board.act()
        backbone.forwards = number % 9 == 0
        backbone.embeds = number % 13 == 0
        for _ in range(board.chance.randint(0, 6)):
            desk.loop.turn()
            await asyncio.sleep(0)
    backbone.forwards = backbone.embeds = 0
    await board.hang_up()
    await desk.work()
    assert (rows.free_slots, rows.free_pages) == (SLOTS, free)
    told = {str(error) for party in board.gone for error in party.failed}
    assert "the engine failed" in told
    assert await desk.spoken(talk(), HELLO)


@pytest.mark.parametrize("in_flight", [1, 2])
@pytest.mark.parametrize("seed", range(3, 5))
async def test_those_who_find_no_room_are_told_and_nothing_is_lost(
    model: Csm, seed: int, in_flight: int
) -> None:
    rows = batch(model, guards=NEVER, slots=SLOTS, pages=SCARCE)
    desk, free = Desk(rows, in_flight=in_flight), rows.free_pages
    board = Switchboard(desk, random.Random(seed))
    for _ in range(ACTIONS):
        board.act()
        for _ in range(board.chance.randint(0, 6)):
            desk.loop.turn()
            await asyncio.sleep(0)
    await board.hang_up()
    await desk.work()
    assert (rows.free_slots, rows.free_pages) == (SLOTS, free)
    told = {str(error) for party in board.gone for error in party.failed}
    assert all("no room" in why or "closed" in why for why in told)
    assert await desk.spoken(talk(), HELLO)

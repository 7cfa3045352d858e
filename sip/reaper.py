"""Ends calls that nobody else will: no room without its caller or its agent, none older than a call
may be. A room that is deleted before the bridge has answered is a busy signal; after that, a BYE."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Literal

import aiohttp
from livekit import api

from sip.transfer import JOINED

logger = logging.getLogger(__name__)

TEST_PREFIX = "room-"
"""Of the rooms in which a browser talks to the agent."""

PREFIXES = ("call-", TEST_PREFIX)
"""Of the rooms that are calls; others are left alone."""

EVERY = 2.0
"""Seconds between two looks."""

Why = Literal[
    "no agent came",
    "the agent is gone",
    "the agent's process is gone",
    "the caller is gone",
    "one of two has left",
    "too old",
]

PATIENCE: dict[Why, float] = {
    "no agent came": 15.0,
    "the agent is gone": 8.0,
    "the agent's process is gone": 1.0,  # seen twice
    "the caller is gone": 30.0,
    "one of two has left": 0.0,
}
"""Seconds that a room may be so. An agent that comes late, a caller who is being dialled and one
who changes networks are within it; a caller who hears it ring for longer has hung up."""


@dataclass(frozen=True)
class Room:
    """As LiveKit sees it. `age` in seconds, by the wall clock; `callers` are all but agents and those
    who listen in, whom nobody there can see. `joined` are two people whom an agent has brought
    together, and left."""

    name: str
    age: float
    callers: int
    agents: int
    joined: bool = False
    listeners: int = 0


@dataclass
class _Watched:
    why: Why
    since: float


@dataclass
class Reaper:
    """Pure: the rule. `max_age` is the longest that a call may last, in seconds.

    How old a room is counts on from when it was seen first, by `now`, which is steady: a wall clock
    that is put forward makes no call old.
    """

    max_age: float
    _made: dict[str, float] = field(default_factory=dict)
    _had_agent: set[str] = field(default_factory=set)
    _watched: dict[str, _Watched] = field(default_factory=dict)

    def doomed(
        self, rooms: Iterable[Room], now: float, abandoned: Collection[str] = ()
    ) -> dict[str, Why]:
        """Which of all rooms there are shall be deleted, and why. LiveKit may believe for long that
        the agents of those that are `abandoned` are there."""
        there = [room for room in rooms if room.name.startswith(PREFIXES)]
        names = {room.name for room in there}
        self._had_agent = {room.name for room in there if room.agents} | self._had_agent & names
        self._watched = {name: held for name, held in self._watched.items() if name in names}
        self._made = {room.name: self._made.get(room.name, now - room.age) for room in there}
        doomed: dict[str, Why] = {}
        for room in there:
            if now - self._made[room.name] > self.max_age:
                doomed[room.name] = "too old"
            elif (why := self._trouble(room, abandoned)) and self._lasts(room, why, now):
                doomed[room.name] = why
        return doomed

    def _trouble(self, room: Room, abandoned: Collection[str]) -> Why | None:
        if room.joined:
            alone = room.callers == 1 or (room.listeners and not room.callers)
            return "one of two has left" if alone else None
        if room.callers and room.name in abandoned:
            return "the agent's process is gone"
        if room.agents and room.callers:
            return None
        if room.agents:
            return "the caller is gone"
        if not room.callers:
            # LiveKit's own empty_timeout closes it, unless somebody listens.
            return "the caller is gone" if room.listeners else None
        return "the agent is gone" if room.name in self._had_agent else "no agent came"

    def _lasts(self, room: Room, why: Why, now: float) -> bool:
        held = self._watched.get(room.name)
        if held is None or held.why != why:
            held = self._watched[room.name] = _Watched(why, now)
        return now - held.since >= PATIENCE[why]


async def none_abandoned() -> Collection[str]:
    return ()


async def run(
    livekit: api.LiveKitAPI,
    max_age: float,
    ended: Callable[[Why], None] = lambda _: None,
    abandoned: Callable[[], Awaitable[Collection[str]]] = none_abandoned,
) -> None:
    """Until cancelled. A LiveKit that does not answer is asked again. `ended` is told of each call,
    `abandoned` tells the rooms whose agent's process is gone."""
    reaper = Reaper(max_age)
    loop = asyncio.get_running_loop()
    while True:
        try:
            rooms = await look(livekit)
            left = await abandoned() if rooms else ()
            for name, why in reaper.doomed(rooms, loop.time(), left).items():
                logger.warning("a call is ended", extra={"room": name, "why": why})
                await livekit.room.delete_room(api.DeleteRoomRequest(room=name))
                ended(why)
        except (api.TwirpError, aiohttp.ClientError, TimeoutError):
            logger.debug("LiveKit does not answer the reaper")
        await asyncio.sleep(EVERY)


async def look(livekit: api.LiveKitAPI) -> list[Room]:
    """Every call's room."""
    listed = await livekit.room.list_rooms(api.ListRoomsRequest())
    now = time.time()
    found = []
    for room in listed.rooms:
        if not room.name.startswith(PREFIXES):
            continue
        inside = await livekit.room.list_participants(api.ListParticipantsRequest(room=room.name))
        seen = [each for each in inside.participants if not each.permission.hidden]
        agents = sum(each.kind == api.ParticipantInfo.Kind.AGENT for each in seen)
        found.append(
            Room(
                room.name,
                age=now - room.creation_time,
                callers=len(seen) - agents,
                agents=agents,
                joined=room.metadata == JOINED,
                listeners=len(inside.participants) - len(seen),
            )
        )
    return found

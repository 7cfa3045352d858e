"""A hidden guest in the agent's room: what the agent understood, what it said and the sound it sent.

The caller cannot know these; the agent and the bridge do not see the guest.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

import aiohttp
import numpy as np
from livekit import api, rtc
from livekit.rtc.data_stream import StreamError

from sip.simulate.group import one_failure
from sip.simulate.speech import RATE
from sip.simulate.stack import Stack
from sip.simulate.timeline import Track

logger = logging.getLogger("parley.simulate")

# As in livekit.agents.types, whose import takes seconds.
_TOPIC = "lk.transcription"
_FINAL = "lk.transcription_final"
_TRACK = "lk.transcribed_track_id"
_STATE = "lk.agent.state"

_LOOK = 0.05  # seconds between two looks for the room: LiveKit's API tells of rooms only when asked
_FRAME_MS = 50


@dataclass
class Words:
    """A finished stretch of transcript; `at` is when its text began to come."""

    at: float
    text: str
    pieces: list[tuple[float, int]] = field(default_factory=list)
    """When each piece of it came, and how long the text was then."""
    whole: bool = False

    def timed(self) -> Iterator[tuple[float, str]]:
        """Words with the time at which each was told to its end; the last once the text is whole."""
        told = 0
        for at, length in self.pieces:
            end = self.text.rfind(" ", told, length) + 1 or told
            yield from ((at, word) for word in self.text[told:end].split())
            told = end
        if self.whole and self.pieces:
            yield from ((self.pieces[-1][0], word) for word in self.text[told:].split())


@dataclass
class Overheard:
    """Filled while the call lasts; empty when the room was not found."""

    room: str | None = None
    sent: Track = field(default_factory=Track)
    heard: list[Words] = field(default_factory=list)
    replies: list[Words] = field(default_factory=list)
    interims: list[Words] = field(default_factory=list)
    """What `heard` was on its way to be."""
    states: list[tuple[float, str]] = field(default_factory=list)
    """What the agent says that it does: `listening`, `thinking`, `speaking`."""

    def heard_between(self, start: float, end: float) -> str:
        return " ".join(words.text for words in self.heard if start <= words.at < end)

    def said_between(self, start: float, end: float) -> str:
        return " ".join(words.text.strip() for words in self.replies if start <= words.at < end)


@contextlib.asynccontextmanager
async def overhearing(stack: Stack, from_: str) -> AsyncGenerator[Overheard]:
    """Inside the block, overhear the room of the call that `from_` makes, as soon as there is one."""
    overheard = Overheard()
    with one_failure():
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_watch(stack, from_, overheard))
            try:
                yield overheard
            finally:
                watching.cancel()


async def _watch(stack: Stack, from_: str, overheard: Overheard) -> None:
    try:
        async with stack.client() as client:
            overheard.room = await _find(client, from_)
    except (api.TwirpError, aiohttp.ClientError):
        logger.warning("the agent's room cannot be found", exc_info=True)
        return
    room = rtc.Room()
    async with asyncio.TaskGroup() as tasks:
        _attach(room, overheard, tasks)
        grants = api.VideoGrants(
            room_join=True, room=overheard.room, hidden=True, can_publish=False
        )
        try:
            await room.connect(stack.livekit_url, stack.token("simulate-observer", grants))
            await asyncio.Event().wait()  # until cancelled
        except rtc.ConnectError:
            logger.warning("the agent's room cannot be overheard", exc_info=True)
        finally:
            await room.disconnect()


async def _find(client: api.LiveKitAPI, from_: str) -> str:
    """The room whose SIP participant calls from `from_`."""
    while True:
        listed = await client.room.list_rooms(api.ListRoomsRequest())
        for room in listed.rooms:
            if from_ in await _callers(client, room.name):
                return room.name
        await asyncio.sleep(_LOOK)


async def _callers(client: api.LiveKitAPI, room: str) -> set[str]:
    try:
        present = await client.room.list_participants(api.ListParticipantsRequest(room=room))
    except api.TwirpError as error:
        if error.code == api.TwirpErrorCode.NOT_FOUND:
            return set()  # it ended since it was listed
        raise
    return {guest.attributes.get("sip.phoneNumber", "") for guest in present.participants}


def _attach(room: rtc.Room, overheard: Overheard, tasks: asyncio.TaskGroup) -> None:
    def is_caller(identity: str) -> bool:
        guest = room.remote_participants.get(identity)
        return guest is not None and guest.kind == rtc.ParticipantKind.PARTICIPANT_KIND_SIP

    def by_caller(reader: rtc.TextStreamReader, sender: str) -> bool:
        """The agent sends both transcripts; the caller's names the caller or the caller's track."""
        track = (reader.info.attributes or {}).get(_TRACK)
        return is_caller(sender) or any(
            track in guest.track_publications and is_caller(guest.identity)
            for guest in room.remote_participants.values()
        )

    @room.on("track_subscribed")
    def _(track: rtc.Track, _: object, guest: rtc.RemoteParticipant) -> None:
        if not is_caller(guest.identity):
            tasks.create_task(_record(track, overheard.sent))

    @room.on("participant_attributes_changed")
    def _(changed: dict[str, str], _: rtc.Participant) -> None:
        if _STATE in changed:
            overheard.states.append((asyncio.get_running_loop().time(), changed[_STATE]))

    def on_text(reader: rtc.TextStreamReader, identity: str) -> None:
        final = (reader.info.attributes or {}).get(_FINAL) != "false"
        if by_caller(reader, identity):
            into = overheard.heard if final else overheard.interims
        else:  # one stream, told final at its end
            into = overheard.replies
        tasks.create_task(_read(reader, into))

    room.register_text_stream_handler(_TOPIC, on_text)


async def _record(track: rtc.Track, into: Track) -> None:
    loop = asyncio.get_running_loop()
    stream = rtc.AudioStream(
        track, sample_rate=RATE, num_channels=1, frame_size_ms=_FRAME_MS, capacity=100
    )
    try:
        async for event in stream:
            into.add(loop.time(), np.frombuffer(event.frame.data, dtype=np.int16).copy())
    finally:
        await stream.aclose()


async def _read(reader: rtc.TextStreamReader, into: list[Words]) -> None:
    words = Words(asyncio.get_running_loop().time(), "")
    into.append(words)
    try:
        async for piece in reader:
            words.text += piece
            words.pieces.append((asyncio.get_running_loop().time(), len(words.text)))
    except StreamError:
        logger.debug("the room closed in the middle of a transcript")
    words.whole = True

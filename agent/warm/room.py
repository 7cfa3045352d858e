"""A colleague in the caller's room: rung there, and kept apart from the caller until they are joined.

LiveKit's own server moves nobody from room to room (docs/telephones.md), so that both are in one from
the start. What keeps them apart is who is given whose sound: a caller's end gets none of the
colleague's before it rings there, and the colleague's gets of ours what is meant for them, and of the
caller's nothing.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp
from livekit import api, rtc
from livekit.agents import JobContext
from livekit.rtc.participant import UnpublishTrackError

from agent.clips import SAMPLE_RATE
from agent.warm.colleague import NotJoinedError

COLLEAGUE = "colleague"
"""Identity in the room: a number would stand in every log."""

WHISPER = "whisper"
"""Name of the track that they alone hear."""

READY = 10.0
"""Seconds for their end to be there and to take up our sound."""
ASKED = 5.0
"""Seconds for LiveKit to answer."""

_Unreachable = (api.ServerError, aiohttp.ClientError, TimeoutError)


Dial = Callable[[], Awaitable[str]]
"""Rings COLLEAGUE into the room; returns when they have answered: their SIP call's id."""


@asynccontextmanager
async def rung(
    job: JobContext, caller: str, dial: Dial, *, mark: str
) -> AsyncIterator["RoomColleague"]:
    """Who answers. Leaving hangs up on them, unless they were joined: the room's metadata is `mark`
    then. `caller` is an identity. Raises `NotJoinedError`, and what `dial` raises."""
    async with _whispering(job.room) as (source, publication):
        colleague = RoomColleague(job, caller, source, mark)
        hiding = asyncio.create_task(colleague.hide())
        try:
            colleague.sip_call_id = await dial()
            await _ready(hiding, publication)
            await colleague.shut_out()
            yield colleague
        finally:
            hiding.cancel()
            await asyncio.gather(hiding, return_exceptions=True)
            await colleague.let_go()


async def _ready(hiding: asyncio.Task[None], publication: rtc.LocalTrackPublication) -> None:
    """The caller does not hear them, and they hear us: by then, their end has asked for all there is.

    Raises `NotJoinedError`.
    """
    try:
        async with asyncio.timeout(READY):
            await hiding
            await publication.wait_for_subscription()
    except TimeoutError as error:
        raise NotJoinedError("unreachable") from error


class RoomColleague:
    """A `Colleague`, whose SIP call has that id."""

    def __init__(self, job: JobContext, caller: str, source: rtc.AudioSource, mark: str) -> None:
        self._job = job
        self._caller = caller
        self._source = source
        self._mark = mark
        self._track: asyncio.Future[rtc.Track] = asyncio.get_running_loop().create_future()
        self._published = asyncio.Event()
        self._pressed: Callable[[str], None] = lambda _: None
        self.joined = False
        self.sip_call_id = ""
        self.gone = asyncio.Event()
        job.room.on("track_published", self._on_published)
        job.room.on("track_subscribed", self._on_subscribed)
        job.room.on("participant_disconnected", self._on_left)
        job.room.on("sip_dtmf_received", self._on_dtmf)

    def on_key(self, pressed: Callable[[str], None]) -> None:
        self._pressed = pressed

    async def say(self, sound: AsyncIterable[rtc.AudioFrame]) -> None:
        try:
            async for frame in sound:
                await self._source.capture_frame(frame)
            await self._source.wait_for_playout()
        except asyncio.CancelledError:
            self._source.clear_queue()
            raise

    async def sound(self) -> AsyncGenerator[rtc.AudioFrame]:
        stream = rtc.AudioStream(
            await asyncio.shield(self._track), sample_rate=16_000, num_channels=1, frame_size_ms=20
        )
        try:
            async for event in stream:
                yield event.frame
        finally:
            await stream.aclose()

    async def hide(self) -> None:
        """From the caller, as soon as they are in the room, which is before it rings."""
        await self._published.wait()
        await self._give(self._caller, COLLEAGUE, subscribe=False)

    async def shut_out(self) -> None:
        """They get nothing of the caller: their end asks for all that there is when it answers."""
        await self._give(COLLEAGUE, self._caller, subscribe=False)

    async def join(self) -> None:
        """The room is marked first: who looks after rooms without an agent lets it be."""
        name = self._job.job.room.name
        marked = api.UpdateRoomMetadataRequest(room=name, metadata=self._mark)
        try:
            async with asyncio.timeout(ASKED):
                await self._job.api.room.update_room_metadata(marked)
        except _Unreachable as error:
            raise NotJoinedError("unreachable") from error
        await self._give(self._caller, COLLEAGUE, subscribe=True)
        await self._give(COLLEAGUE, self._caller, subscribe=True)
        self.joined = True

    async def let_go(self) -> None:
        """Hang up, unless they were joined."""
        self._job.room.off("track_published", self._on_published)
        self._job.room.off("track_subscribed", self._on_subscribed)
        self._job.room.off("participant_disconnected", self._on_left)
        self._job.room.off("sip_dtmf_received", self._on_dtmf)
        if self.joined:
            return
        them = api.RoomParticipantIdentity(room=self._job.job.room.name, identity=COLLEAGUE)
        with suppress(*_Unreachable):  # as a rule they have gone by themselves
            async with asyncio.timeout(ASKED):
                await self._job.api.room.remove_participant(them)

    async def _give(self, to: str, of: str, *, subscribe: bool) -> None:
        """The sound of one to the other, or not. Raises `NotJoinedError`."""
        speaker = self._job.room.remote_participants.get(of)
        tracks = list(speaker.track_publications) if speaker else []
        wanted = api.UpdateSubscriptionsRequest(
            room=self._job.job.room.name, identity=to, track_sids=tracks, subscribe=subscribe
        )
        try:
            async with asyncio.timeout(ASKED):
                await self._job.api.room.update_subscriptions(wanted)
        except _Unreachable as error:
            raise NotJoinedError("unreachable") from error

    def _on_published(self, _: object, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == COLLEAGUE:
            self._published.set()

    def _on_subscribed(
        self, track: rtc.Track, _: object, participant: rtc.RemoteParticipant
    ) -> None:
        if participant.identity == COLLEAGUE and not self._track.done():
            self._track.set_result(track)

    def _on_dtmf(self, dtmf: rtc.SipDTMF) -> None:
        if dtmf.participant is not None and dtmf.participant.identity == COLLEAGUE:
            self._pressed(dtmf.digit)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == COLLEAGUE:
            self.gone.set()


@asynccontextmanager
async def _whispering(
    room: rtc.Room,
) -> AsyncIterator[tuple[rtc.AudioSource, rtc.LocalTrackPublication]]:
    """A track of ours for the colleague, who gets none of the others, and nobody else gets it."""

    def permit(*_: object) -> None:
        ours = room.local_participant.track_publications.values()
        open_ = [each.sid for each in ours if each.name != WHISPER]
        whispered = [each.sid for each in ours if each.name == WHISPER]
        others = [identity for identity in room.remote_participants if identity != COLLEAGUE]
        room.local_participant.set_track_subscription_permissions(
            allow_all_participants=False,
            participant_permissions=[
                *(_permission(identity, open_) for identity in others),
                _permission(COLLEAGUE, whispered),
            ],
        )

    source = rtc.AudioSource(SAMPLE_RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track(WHISPER, source)
    room.on("local_track_published", permit)
    room.on("participant_connected", permit)
    permit()
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_UNKNOWN)
    publication = await room.local_participant.publish_track(track, options)
    permit()
    try:
        yield source, publication
    finally:
        room.off("local_track_published", permit)
        room.off("participant_connected", permit)
        with suppress(UnpublishTrackError):  # the room may be gone
            await room.local_participant.unpublish_track(publication.sid)
        room.local_participant.set_track_subscription_permissions(allow_all_participants=True)
        await source.aclose()


def _permission(identity: str, tracks: list[str]) -> rtc.ParticipantTrackPermission:
    return rtc.ParticipantTrackPermission(participant_identity=identity, allowed_track_sids=tracks)

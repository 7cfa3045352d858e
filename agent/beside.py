"""Sound on a track of its own: the caller hears it, and the session hears the caller meanwhile."""

import asyncio
from collections.abc import AsyncIterable

from livekit import rtc

from agent.clips import SAMPLE_RATE

SUBSCRIBED = 10.0
"""Seconds for the caller's end to take the track up."""


async def play_beside(room: rtc.Room, sound: AsyncIterable[rtc.AudioFrame]) -> None:
    """Returns when it has been played to its end. `sound` is mono, 24 kHz.

    Not the session's `say`: what cannot be interrupted makes it deaf, and what can be would wait
    for a caller who speaks. Raises TimeoutError when nobody takes the track up.
    """
    source = rtc.AudioSource(SAMPLE_RATE, 1)
    track = rtc.LocalAudioTrack.create_audio_track("notice", source)
    publication = await room.local_participant.publish_track(
        track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_UNKNOWN)
    )
    try:
        async with asyncio.timeout(SUBSCRIBED):
            await publication.wait_for_subscription()
        async for frame in sound:
            await source.capture_frame(frame)
        await source.wait_for_playout()
    finally:
        await room.local_participant.unpublish_track(publication.sid)
        await source.aclose()

"""A caller whose telephone is the bridge itself.

A LiveKit participant speaks and listens in a room of its own; livekit-sip dials out of that room to its own SIP port, and
what comes back in is an ordinary inbound call: SIP with digest authentication, RTP, G.711. Only the bridge's far side is ours.
"""

import asyncio
import contextlib
import logging
import uuid
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager

import aiohttp
import numpy as np
from google.protobuf.duration_pb2 import Duration
from livekit import api, rtc

from sip.simulate.group import one_failure
from sip.simulate.line import FRAME, Line
from sip.simulate.speech import RATE
from sip.simulate.stack import Stack

logger = logging.getLogger("parley.simulate")

RINGING = 30
_FRAME_SECONDS = FRAME / RATE
_LEAD = (
    2 * _FRAME_SECONDS
)  # sound that lies ready in the native source, so that a late loop makes no hole
_GOODBYE = 5.0
_FAR_END = "far-end"


class CallFailedError(Exception):
    """The call was not answered, or was refused; the message carries the SIP status where there is one."""


@contextlib.asynccontextmanager
async def call(
    stack: Stack, *, to: str, from_: str, ringing: int = RINGING
) -> AsyncGenerator[Line]:
    """Dial `to` as `from_`; inside the block the call is up, leaving it hangs up.

    It rings for `ringing` seconds at most. Raises CallFailedError when nobody answers.
    """
    name = f"simulate-{uuid.uuid4().hex[:12]}"
    line = Line(asyncio.get_running_loop().time())
    room, running = rtc.Room(), set[asyncio.Task[None]]()
    with one_failure():
        async with stack.client() as client, asyncio.TaskGroup() as tasks:

            def run(work: Coroutine[None, None, None]) -> None:
                running.add(tasks.create_task(work))

            try:
                source = await _enter(room, stack, name, line, run)
                run(_speak(line, source))
                await _dial(client, line, _invite(stack, name, to, from_, ringing))
                yield line
            finally:
                line.drop()
                # A stream of a room that is gone does not always end by itself.
                for task in running:
                    task.cancel()
                await _leave(client, room, name)


async def _enter(
    room: rtc.Room,
    stack: Stack,
    name: str,
    line: Line,
    run: Callable[[Coroutine[None, None, None]], None],
) -> rtc.AudioSource:
    @room.on("track_subscribed")
    def _(track: rtc.Track, *_: object) -> None:
        run(_listen(line, track))

    @room.on("participant_disconnected")
    def _(participant: rtc.RemoteParticipant) -> None:
        if participant.identity == _FAR_END:
            line.drop()

    @room.on("sip_dtmf_received")
    def _(key: rtc.SipDTMF) -> None:
        line.keys_heard += key.digit

    line.room = room
    grants = api.VideoGrants(room_join=True, room=name)
    try:
        await room.connect(stack.livekit_url, stack.token("caller", grants))
    except rtc.ConnectError as error:
        raise CallFailedError(f"LiveKit at {stack.livekit_url} cannot be reached") from error
    source = rtc.AudioSource(RATE, 1, queue_size_ms=200)
    await room.local_participant.publish_track(
        rtc.LocalAudioTrack.create_audio_track("mouth", source),
        rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
    )
    return source


def _invite(
    stack: Stack, room: str, to: str, from_: str, ringing: int
) -> api.CreateSIPParticipantRequest:
    return api.CreateSIPParticipantRequest(
        trunk=api.SIPOutboundConfig(
            hostname=f"{stack.sip_host}:{stack.sip_port}",
            transport=api.SIPTransport.SIP_TRANSPORT_UDP,
            auth_username=stack.sip_username,
            auth_password=stack.sip_password.get_secret_value(),
        ),
        sip_number=from_,
        sip_call_to=to,
        room_name=room,
        participant_identity=_FAR_END,
        wait_until_answered=True,
        ringing_timeout=Duration(seconds=ringing),
    )


async def _dial(
    client: api.LiveKitAPI, line: Line, request: api.CreateSIPParticipantRequest
) -> None:
    loop = asyncio.get_running_loop()
    line.dialled_at = loop.time()
    try:
        await client.sip.create_sip_participant(request)
    except api.SipCallError as error:
        raise CallFailedError(f"SIP {error.sip_status_code} {error.sip_status}") from error
    except api.TwirpError as error:
        raise CallFailedError(f"{error.message} (HTTP {error.status})") from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise CallFailedError(f"{type(error).__name__}: {error}") from error
    line.answered_at = loop.time()


async def _leave(client: api.LiveKitAPI, room: rtc.Room, name: str) -> None:
    if not room.isconnected():
        return
    # Deleting the room is what makes the bridge say BYE; a participant that only leaves keeps the call up.
    try:
        async with asyncio.timeout(_GOODBYE):
            await client.room.delete_room(api.DeleteRoomRequest(room=name))
    except (api.TwirpError, aiohttp.ClientError, TimeoutError) as error:
        logger.warning("the caller's room was not deleted", extra={"reason": str(error)})
    await room.disconnect()


async def _speak(line: Line, source: rtc.AudioSource) -> None:
    loop = asyncio.get_running_loop()
    playing = loop.time()
    try:
        while True:
            frame = line.next_frame()
            playing = max(playing, loop.time())
            line.sent.add(playing, frame)
            await source.capture_frame(rtc.AudioFrame(frame.tobytes(), RATE, 1, FRAME))
            playing += _FRAME_SECONDS
            await asyncio.sleep(max(0.0, playing - _LEAD - loop.time()))
    finally:
        await source.aclose()


async def _listen(line: Line, track: rtc.Track) -> None:
    loop = asyncio.get_running_loop()
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, capacity=100)
    try:
        async for event in stream:
            line.hear(loop.time(), np.frombuffer(event.frame.data, dtype=np.int16).copy())
    finally:
        await stream.aclose()


Dial = Callable[..., AbstractAsyncContextManager[Line]]
"""`call`, or a telephone that does the same."""

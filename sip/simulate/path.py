"""The way alone: caller → bridge → room → bridge → caller, with an echo where the agent would be.

What an agent's reply takes is this plus what the agent does; it is measured in the same run, because it depends on the
machine's load.
"""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncGenerator

import numpy as np
from livekit import api, rtc

from sip.simulate.caller import CallFailedError, Dial
from sip.simulate.group import one_failure
from sip.simulate.hearing import levels, spells
from sip.simulate.speech import RATE, Samples
from sip.simulate.stack import Stack

_NAME = "parley-path"  # of the trunk and the rule, which exist only while the path is measured
_BEEP = 0.2
_APART = 0.8
_SETTLE = 1.0  # jitter buffers shrink to their size
_WAITING = 0.015  # seconds of sound that lie ready in the echo, so that it has no holes
_UNSENT = 50  # frames; more would be a source that takes nothing
_NEAR = 0.7  # an echo later than this is taken for lost: the next beep is near


async def path_times(stack: Stack, *, dial: Dial, beeps: int = 20) -> list[float]:
    """Seconds from each beep sent to its echo heard; lost ones are left out.

    Raises CallFailedError when the call is not answered.
    """
    room, number = f"path-{uuid.uuid4().hex[:12]}", f"+1555018{random.randrange(10_000):04}"
    async with door(stack, number, room), echo(stack, room):
        async with dial(stack, to=number, from_="+15550180000") as line:
            await asyncio.sleep(_SETTLE)
            for _ in range(beeps):
                await line.say(_beep())
                await asyncio.sleep(_APART)
        recording = line.recording(line.now())
    sent = spells(levels(recording.caller))
    heard = [spell.start for spell in spells(levels(recording.agent))]
    echoes = ((beep, [at for at in heard if 0 < at - beep.start < _NEAR]) for beep in sent)
    times = [echo[0] - beep.start for beep, echo in echoes if echo]
    if not times:
        raise CallFailedError("the echo was not heard")
    return times


def _beep() -> Samples:
    at = np.arange(round(_BEEP * RATE)) / RATE
    return np.asarray(8000 * np.sin(2 * np.pi * 700 * at)).astype(np.int16)


@contextlib.asynccontextmanager
async def door(stack: Stack, number: str, room: str) -> AsyncGenerator[None]:
    """A trunk and a rule that lead `number` into `room`, gone afterwards; and those of a run that was killed."""
    async with stack.client() as client:
        await _remove(client)
        trunk = await client.sip.create_inbound_trunk(
            api.CreateSIPInboundTrunkRequest(
                trunk=api.SIPInboundTrunkInfo(
                    name=_NAME,
                    numbers=[number],
                    auth_username=stack.sip_username,
                    auth_password=stack.sip_password.get_secret_value(),
                )
            )
        )
        try:
            await client.sip.create_dispatch_rule(
                api.CreateSIPDispatchRuleRequest(
                    name=_NAME,
                    trunk_ids=[trunk.sip_trunk_id],
                    rule=api.SIPDispatchRule(
                        dispatch_rule_direct=api.SIPDispatchRuleDirect(room_name=room)
                    ),
                )
            )
            yield
        finally:
            await _remove(client)


async def _remove(client: api.LiveKitAPI) -> None:
    rules = await client.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    for rule in rules.items:
        if rule.name == _NAME:
            await client.sip.delete_dispatch_rule(
                api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=rule.sip_dispatch_rule_id)
            )
    trunks = await client.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
    for trunk in trunks.items:
        if trunk.name == _NAME:
            await client.sip.delete_trunk(
                api.DeleteSIPTrunkRequest(sip_trunk_id=trunk.sip_trunk_id)
            )


@contextlib.asynccontextmanager
async def echo(stack: Stack, name: str) -> AsyncGenerator[rtc.Room]:
    """A participant of the room `name` that sends back what it hears; the room as it sees it."""
    room = rtc.Room()
    source = rtc.AudioSource(RATE, 1, queue_size_ms=200)
    with one_failure():
        async with asyncio.TaskGroup() as tasks:
            heard: asyncio.Queue[rtc.AudioFrame] = asyncio.Queue(_UNSENT)
            running = {tasks.create_task(_speak(source, heard))}

            @room.on("track_subscribed")
            def _(track: rtc.Track, *_: object) -> None:
                running.add(tasks.create_task(_listen(track, heard)))

            try:
                await room.connect(
                    stack.livekit_url,
                    stack.token("echo", api.VideoGrants(room_join=True, room=name)),
                )
                await room.local_participant.publish_track(
                    rtc.LocalAudioTrack.create_audio_track("echo", source),
                    rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
                )
                yield room
            finally:
                for task in running:
                    task.cancel()
                await room.disconnect()
                await source.aclose()


async def _speak(source: rtc.AudioSource, heard: asyncio.Queue[rtc.AudioFrame]) -> None:
    """Silence until there is something to send back, then that.

    The bridge answers when a track that it has subscribed to has carried a packet. One task alone
    gives to the source: it fails when it is cleared while somebody else gives.
    """
    while heard.empty():
        await source.capture_frame(rtc.AudioFrame(bytes(320), RATE, 1, 160))
    source.clear_queue()
    while True:
        frame = await heard.get()
        # Silence may be left out: what waits in the source would be taken for the path.
        if source.queued_duration < _WAITING or np.frombuffer(frame.data, "<i2").any():
            await source.capture_frame(frame)


async def _listen(track: rtc.Track, heard: asyncio.Queue[rtc.AudioFrame]) -> None:
    stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1, capacity=100)
    try:
        async for event in stream:
            await heard.put(event.frame)
    finally:
        await stream.aclose()

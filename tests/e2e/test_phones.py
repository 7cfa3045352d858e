"""Telephones that do what others do not, and strangers: the talk goes on, and the next call is answered."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator
from pathlib import Path

import numpy as np
import pytest
from livekit import api, rtc

from agent.tones import COLUMNS, KEYS, ROWS, Tones
from sip.simulate.baresip import baresip
from sip.simulate.caller import call
from sip.simulate.dialog import FINDS_IT_BUSY, REFUSES, TAKES, Taker
from sip.simulate.handset import Handset, handset
from sip.simulate.path import door, echo
from sip.simulate.sipp import sipp
from sip.simulate.speech import RATE, Samples
from sip.simulate.stack import Stack as Line
from sip.simulate.timeline import write_wave
from sip.transfer import TransferError, transfer
from tests.e2e.phones.malformed import MALFORMED
from tests.e2e.sounds import TONE, loudest, tone
from tests.e2e.switchboard import PATIENCE, Switchboard, until
from tests.e2e.talk import NUMBER, Talk, talking
from tests.stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

OFFICE = "+15550199"
CALLER = "+15550170061"
ECHO = "+15550180061"
"""A number that leads into a room without an agent."""

HELD = 17.0
"""Seconds: the receptionist would ask after ten, and the bridge by itself hangs up after fifteen."""


def phone_of(talk: Talk) -> Handset:
    assert isinstance(talk.line, Handset)
    return talk.line


async def test_on_hold_nothing_is_asked_and_afterwards_the_talk_goes_on(
    line: Line, switchboard: Switchboard
) -> None:
    async with talking(line, dial=handset) as talk:
        await talk.is_greeted()
        held = await phone_of(talk).hold("inactive")
        assert held.status == 200
        await talk.hears_nothing(HELD)
        back = await phone_of(talk).retrieve()
        assert back.status == 200
        await talk.is_answered()


async def hand_over(line: Line, switchboard: Switchboard) -> None:
    """The only call there is, as the tool of a persona does it."""
    (room,) = (await switchboard.calls()).rooms
    async with line.client() as livekit:
        there = await livekit.room.list_participants(api.ListParticipantsRequest(room=room))
        sip = api.ParticipantInfo.SIP
        (caller,) = (each.identity for each in there.participants if each.kind == sip)
        await transfer(livekit.sip, room=room, identity=caller, to=OFFICE, ringing=20)


async def test_a_telephone_that_takes_a_transfer_is_gone(
    line: Line, switchboard: Switchboard
) -> None:
    async with talking(line, dial=handset) as talk:
        await talk.is_greeted()
        phone_of(talk).dialog.refer = TAKES
        await hand_over(line, switchboard)
        assert OFFICE in phone_of(talk).dialog.referred_to
    await switchboard.until_idle()


@pytest.mark.parametrize(
    ("answer", "reason"), [(REFUSES, "rejected"), (FINDS_IT_BUSY, "busy")], ids=["refused", "busy"]
)
async def test_after_a_transfer_that_fails_the_talk_goes_on(
    line: Line, switchboard: Switchboard, answer: Taker, reason: str
) -> None:
    async with talking(line, dial=handset) as talk:
        await talk.is_greeted()
        phone_of(talk).dialog.refer = answer
        with pytest.raises(TransferError) as failed:
            await hand_over(line, switchboard)
        assert failed.value.reason == reason
        await talk.is_answered()


async def test_keys_go_both_ways(line: Line, switchboard: Switchboard) -> None:
    pressed: list[str] = []
    async with door(line, ECHO, "path-keys"), echo(line, "path-keys") as room:
        room.on("sip_dtmf_received", lambda dtmf: pressed.append(dtmf.digit))
        async with handset(line, to=ECHO, from_=CALLER) as phone:
            for key in "159#":
                await phone.press(key)
            await room.local_participant.publish_dtmf(code=7, digit="7")
            async with asyncio.timeout(PATIENCE):
                await phone.until(lambda: len(pressed) == 4 and phone.keys_heard == "7")
    assert pressed == ["1", "5", "9", "#"]
    assert phone.keys_heard == "7"


def played(keys: str) -> Samples:
    """As tones, 80 ms each and as long apart."""
    at = np.arange(round(0.08 * RATE)) / RATE * 2 * np.pi
    sound = []
    for key in keys:
        row = next(n for n, keys in enumerate(KEYS) if key in keys)
        tones = np.sin(ROWS[row] * at) + np.sin(COLUMNS[KEYS[row].index(key)] * at)
        sound += [4000 * tones, 0 * at]
    return np.concatenate(sound).astype(np.int16)


async def test_keys_that_are_tones_are_heard(line: Line, switchboard: Switchboard) -> None:
    pressed: list[str] = []

    async def listen(track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=16_000, num_channels=1, frame_size_ms=20)
        tones = Tones()
        try:
            async for event in stream:
                pressed.extend(tones.hear(event.frame))
        finally:
            await stream.aclose()

    async with (
        door(line, ECHO, "path-tones"),
        echo(line, "path-tones") as room,
        asyncio.TaskGroup() as tasks,
    ):
        listening: asyncio.Future[asyncio.Task[None]] = asyncio.get_running_loop().create_future()

        @room.on("track_subscribed")
        def _(track: rtc.Track, *_: object) -> None:
            listening.set_result(tasks.create_task(listen(track)))

        async with handset(line, to=ECHO, from_=CALLER) as phone, asyncio.timeout(PATIENCE):
            listener = await listening
            await phone.say(played("159#"))
            await phone.until(lambda: len(pressed) >= 4)
        listener.cancel()
    assert pressed == ["1", "5", "9", "#"]


@pytest.mark.parametrize(("codec", "rate"), [("PCMU", 8000), ("PCMA", 8000), ("G722", 16000)])
async def test_a_tone_comes_back_by_each_codec(
    line: Line, tmp_path: Path, codec: str, rate: int
) -> None:
    write_wave(tmp_path / "tone.wav", tone(rate), rate)
    async with (
        door(line, ECHO, "path-tone"),
        echo(line, "path-tone"),
        baresip(tmp_path, line, CALLER, codec=f"{codec}/{rate}/1") as control,
    ):
        await control.tell("dial", f"sip:{ECHO}@{line.sip_host}:{line.sip_port}")
        async with asyncio.timeout(PATIENCE):
            while (told := (await control.event())[0]) != "CALL_ESTABLISHED":
                assert told != "CALL_CLOSED"
        await control.tell("ausrc", f"aufile,{tmp_path / 'tone.wav'}")

        async def comes_back() -> bool:
            return abs(loudest(tmp_path) - TONE) < 10

        await until(comes_back)
        await control.tell("hangup")


async def test_a_flood_of_strangers_harms_no_call(
    line: Line, switchboard: Switchboard, tmp_path: Path
) -> None:
    async with switchboard.watched() as seen, talking(line) as talk, asyncio.TaskGroup() as tasks:
        await talk.is_greeted()
        tasks.create_task(sipp(line, to=NUMBER, calls=200, rate=50))
        await talk.is_answered()
    assert max(len(calls.rooms) for calls in seen) == 1


@contextlib.asynccontextmanager
async def unharmed(stack: Stack) -> AsyncGenerator[None]:
    """No part has died inside."""
    before = {part: stack.pid(part) for part in stack.facts["parts"]}
    yield
    assert {part: stack.pid(part) for part in stack.facts["parts"]} == before


async def test_malformed_messages_harm_nobody(
    parley: Stack, line: Line, switchboard: Switchboard
) -> None:
    async with unharmed(parley), switchboard.watched() as seen:
        with socket.socket(type=socket.SOCK_DGRAM) as datagrams:
            for message in MALFORMED.values():
                datagrams.sendto(message, (line.sip_host, line.sip_port))
        for message in MALFORMED.values():
            _, writer = await asyncio.open_connection(line.sip_host, line.sip_port)
            with contextlib.suppress(ConnectionError):
                writer.write(message)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        async with talking(line, dial=call) as talk:
            await talk.is_answered()
    assert max(len(calls.rooms) for calls in seen) == 1

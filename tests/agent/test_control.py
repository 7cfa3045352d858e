"""What an operator has the agent say, in whole calls."""

import asyncio
import json

from livekit import rtc

from agent.control import LONGEST, TOPIC, WAITING, Control
from agent.persona import Persona
from tests.fakes.talk import GREETED, STORY, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")

SOMEBODY = rtc.RemoteParticipant.__new__(rtc.RemoteParticipant)
"""Of the room; who they are does not matter."""


def order(
    text: str, *, topic: str = TOPIC, sender: rtc.RemoteParticipant | None = None
) -> rtc.DataPacket:
    data = json.dumps({"say": text}).encode()
    return rtc.DataPacket(data, rtc.DataPacketKind.KIND_RELIABLE, sender, topic)


@on_virtual_time
async def test_the_agent_says_what_the_server_sends_and_remembers_it() -> None:
    async with talk(PERSONA, ["Of course."]) as call:
        await asyncio.sleep(GREETED)
        Control(call.session, call.conversation.stop_recording).take(
            order("We close in ten minutes.")
        )
        await call.until_said("We close in ten minutes.")


@on_virtual_time
async def test_it_waits_until_the_agent_has_spoken() -> None:
    async with talk(PERSONA, [STORY]) as call:
        speech = await call.told(1.0)
        Control(call.session, call.conversation.stop_recording).take(
            order("We close in ten minutes.")
        )
        assert not speech.done()
        await call.until_said("We close in ten minutes.")
        assert speech.done()
        assert not speech.interrupted


@on_virtual_time
async def test_nobody_but_the_server_gives_orders() -> None:
    async with talk(PERSONA, ["Of course."]) as call:
        control = Control(call.session, call.conversation.stop_recording)
        control.take(order("Give me the code.", sender=SOMEBODY))
        control.take(order("Chat.", topic="lk.chat"))
        for data in (b"", b"say", b'{"say": 1}', b'{"hang": "up"}', b"\xff"):
            packet = order("")
            packet.data = data
            control.take(packet)
        control.take(order("x" * (LONGEST + 1)))
        control.take(order("This is all."))
        await call.until_said("This is all.")
        assert call.history() == ["Good day.", "This is all."]


@on_virtual_time
async def test_more_orders_than_can_wait_are_dropped() -> None:
    async with talk(PERSONA, ["Of course."]) as call:
        control = Control(call.session, call.conversation.stop_recording)
        for n in range(WAITING + 2):
            control.take(order(f"Number {n}."))
        await call.until_said(f"Number {WAITING - 1}.")
        control.take(order("Room again."))
        await call.until_said("Room again.")
        said = [f"Number {n}." for n in range(WAITING)]
        assert call.history() == ["Good day.", *said, "Room again."]

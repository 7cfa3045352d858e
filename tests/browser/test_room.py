"""The test room in a real Chromium, on a real stack."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from livekit import api
from playwright.async_api import expect

from sip.reaper import look
from tests.browser.accessible import is_accessible, pictured
from tests.browser.chromium import PHONE
from tests.browser.conftest import STOP, Visit, beside
from tests.browser.room import PATIENCE
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import until
from tests.e2e.talk import talking
from tests.fakes.relay import Relay
from tests.stack import Stack

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="session"),  # that of the network before the server
    pytest.mark.timeout(150),
]

STORY = "tell me a story"
TOLD = "a captain lived here"


async def test_a_talk_is_heard_shown_and_kept(visit: Visit, tmp_path: Path) -> None:
    async with visit() as room:
        await is_accessible(room.page)
        await pictured(room.page, "choose")
        await room.talk()
        await room.is_greeted()
        await room.is_answered()
        answer = room.line("nine in the morning")
        await expect(answer.locator("figcaption")).to_contain_text("think", timeout=PATIENCE)
        await expect(room.state).to_contain_text("Connected")
        await is_accessible(room.page)
        await pictured(room.page, "talking")

        await room.hang_up()
        await is_accessible(room.page)
        async with room.page.expect_download() as words:
            await room.page.get_by_role("link", name="Transcript").click()
        async with room.page.expect_download() as sound:
            await room.page.get_by_role("link", name="Recording").click()
        await (await words.value).save_as(tmp_path / "words")
        await (await sound.value).save_as(tmp_path / "sound")
    lines = (tmp_path / "words").read_text().lower().splitlines()
    assert [line.split()[1] for line in lines] == ["receptionist:", "you:", "receptionist:"]
    assert "opening hours" in lines[1]
    assert (tmp_path / "sound").stat().st_size > 10_000


async def test_who_interrupts_sees_where(visit: Visit) -> None:
    async with visit() as room:
        await room.talk()
        await room.is_greeted()
        await room.say(STORY)
        await room.says_so_far(TOLD)
        await room.is_answered()
        told = room.line(TOLD)
        await expect(told.locator("s")).not_to_be_empty()
        happened = room.page.get_by_role("list", name="What happened in the call")
        await expect(happened).to_contain_text("interrupted")
        await room.page.get_by_text("Microphone and loudspeaker").click()
        await pictured(room.page, "interrupted")


async def test_a_key_stops_the_agent_on_a_telephone_s_width(visit: Visit) -> None:
    async with visit(viewport=PHONE, dark=True) as room:
        await room.talk()
        await room.is_greeted()
        await room.say(STORY)
        await room.says_so_far("Gladly")
        await room.page.get_by_role("button", name="Keypad").click()
        await room.page.get_by_role("button", name=STOP, exact=True).click()
        await expect(room.line("Gladly").locator("s")).not_to_be_empty(timeout=PATIENCE)
        await room.page.get_by_text("Microphone and loudspeaker").click()
        await pictured(room.page, "keypad")
        await is_accessible(room.page)


async def test_a_telephone_s_sound_is_understood_and_who_is_muted_is_not_sent(
    parley: Stack, visit: Visit
) -> None:
    async with visit() as room:
        await room.page.get_by_label("Phone quality").check()
        await room.talk()
        await room.is_greeted()
        phone = room.page.get_by_role("button", name="Phone quality")
        await expect(phone).to_have_attribute("aria-pressed", "true")
        await room.is_answered()
        await phone.click()
        await expect(phone).to_have_attribute("aria-pressed", "false")
        await room.page.get_by_role("button", name="Mute").click()
        await expect(room.state).to_contain_text("you are muted")
        await until(lambda: is_muted(parley))
        await room.page.get_by_role("button", name="Mute").click()
        await room.say("what is your address")
        await room.shows("Water Street")


async def is_muted(stack: Stack) -> bool:
    """The only browser there is, by the server's account."""
    async with stack.livekit() as livekit:
        (room,) = (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
        there = await livekit.room.list_participants(api.ListParticipantsRequest(room=room.name))
    standard = api.ParticipantInfo.Kind.STANDARD
    return any(
        track.muted for each in there.participants if each.kind == standard for track in each.tracks
    )


async def test_two_browsers_and_a_telephone_at_once(
    parley: Stack, address: str, visit: Visit
) -> None:
    async with (
        visit() as one,
        beside(one, address) as other,
        talking(line_to(parley)) as telephone,
    ):
        await asyncio.gather(one.talk(), other.talk())
        await asyncio.gather(one.is_greeted(), other.is_greeted(), telephone.is_greeted())
        for caller in (one, telephone, other):
            await caller.is_answered()


async def test_who_loses_the_network_or_the_server_goes_on_with_the_talk(
    parley: Stack, signalling: Relay, visit: Visit
) -> None:
    async with visit() as room:
        await room.talk()
        await room.is_greeted()
        signalling.cut()
        await expect(room.state).to_contain_text("Reconnecting", timeout=PATIENCE)
        await expect(room.alert).to_contain_text("The connection is lost")
        await pictured(room.page, "lost")
        await signalling.mend()
        await expect(room.state).to_contain_text("Connected", timeout=PATIENCE)
        await room.is_answered()

        os.kill(parley.pid("livekit-server"), signal.SIGKILL)
        await expect(room.state).to_contain_text("Reconnecting", timeout=PATIENCE)
        await expect(room.state).to_contain_text("Connected", timeout=PATIENCE)
        await room.say("what is your address")
        await room.shows("Water Street")
        assert await agents(parley) == 1


async def agents(stack: Stack) -> int:
    """In the only room there is."""
    async with stack.livekit() as livekit:
        (room,) = await look(livekit)
    return room.agents

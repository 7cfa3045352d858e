"""The calls page, a call's own and the overview, as somebody at a desk or with a phone uses them."""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
import pytest_asyncio
from livekit import rtc
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select
from sqlalchemy.orm import Session

from ledger.tables import EventRow, TurnRow
from sip.reaper import Room, look
from tests.browser.accessible import is_accessible, pictured
from tests.browser.chromium import PHONE, chromium, page_of
from tests.browser.seeded import DIST, EARLIER, TALK, WHOLE, filled, fits, goes_on, joining
from tests.ledger.rows import turn_values
from tests.livekit_server import Server, livekit_server
from tests.web.rig import Rig, now, serving
from web.server.entry import Entry

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(120),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def livekit(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    async with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rig(livekit: Server, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Rig]:
    async with filled(livekit, tmp_path_factory.mktemp("pages")) as rig:
        yield rig


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    expect.set_options(timeout=20_000)  # a machine may be busy
    async with chromium() as browser:
        yield browser


Desk = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
def desk(browser: Browser, rig: Rig) -> Desk:
    """Opens a page of ours."""
    return lambda **how: page_of(browser, rig.url, **how)


@pytest.fixture
def live_call(rig: Rig) -> Room:
    """One that goes on, with nobody to hear."""
    return goes_on(rig)


async def test_calls_are_listed_found_and_filtered_by_the_address(desk: Desk) -> None:
    async with desk() as page:
        await page.goto("/calls")
        rows = page.get_by_role("table", name="Calls").get_by_role("row")
        await expect(rows).to_have_count(1 + 50)
        await page.get_by_role("button", name="Older calls").click()
        await expect(rows).to_have_count(1 + 1 + EARLIER)
        await page.get_by_label("Outcome").select_option("Busy")
        await expect(page).to_have_url(re.compile(r"/calls\?outcome=busy$"))
        await expect(rows).to_have_count(1 + EARLIER // 6)
        await page.reload()
        await expect(rows).to_have_count(1 + EARLIER // 6)
        await page.get_by_role("searchbox").fill("opening hours")
        await expect(page.get_by_text("No call is like that")).to_be_visible()
        await page.get_by_role("button", name="Clear the filters").click()
        await page.get_by_role("searchbox").fill("OPENING hours")
        await expect(rows).to_have_count(1 + 1)
        await expect(page).to_have_url(re.compile(r"text=OPENING"))


async def test_a_call_is_heard_from_the_line_that_is_clicked(desk: Desk) -> None:
    async with desk() as page:
        await page.goto("/calls?text=opening")
        await page.get_by_role("table").get_by_role("link").click()
        await expect(page).to_have_url(re.compile(f"/calls/{WHOLE}$"))
        line = page.get_by_role("listitem").filter(has_text="until Friday")
        await line.get_by_role("button", name="Play from 0:33").click()
        await expect(line).to_have_attribute("aria-current", "true")
        place = page.get_by_role("slider", name="Place in the recording")
        assert float(await place.input_value()) >= TALK[-1][0] - 1.5
        await page.get_by_role("button", name="Pause").click()
        await place.press("Home")
        await expect(place).to_have_value("0")
        await expect(page.get_by_role("listitem").filter(has_text="Harbor Dental")).to_be_visible()
        await page.get_by_text("answered in 620 ms").click()
        await expect(page.get_by_text("Answered after 620 ms")).to_be_attached()
        await page.get_by_text("find_a_time done in 210 ms").click()
        await is_accessible(page)
        await page.evaluate("scrollTo(0, 0)")
        await pictured(page, "call")
    async with desk(viewport=PHONE, dark=True) as page:
        await page.goto(f"/calls/{WHOLE}")
        await expect(page.get_by_role("slider")).to_be_enabled()
        await fits(page)
        await pictured(page, "call-phone")


async def test_live_calls_follow_what_happens(desk: Desk, rig: Rig, live_call: Room) -> None:
    async with desk() as page:
        await page.goto("/calls?outcome=busy")
        live = page.get_by_role("region", name="Now")
        await expect(live.get_by_text("Talking")).to_be_visible()
        rig.write(TurnRow, **turn_values(1, "live", text="Is Doctor Lee in?", at=now()))
        took = {"e2e_latency": 0.55}
        said = turn_values(2, "live", role="assistant", text="She is.", at=now(), latencies=took)
        await expect(live.get_by_text("Is Doctor Lee in?")).to_be_visible()
        rig.write(TurnRow, **said)
        await expect(live.get_by_text("550 ms")).to_be_visible()
        await is_accessible(page)
        await pictured(page, "calls")
        rig.switchboard.away = True
        rig.write(TurnRow, **turn_values(3, "live", text="One more question.", at=now()))
        await expect(live.get_by_role("alert")).to_contain_text("LiveKit does not answer")
        rig.switchboard.away = False
        await expect(live.get_by_role("alert")).to_be_hidden()
        await rig.restart()
        await rig.until_followed()
        rig.write(TurnRow, **turn_values(4, "live", text="Thank you.", at=now()))
        await expect(live.get_by_text("Thank you.")).to_be_visible()
    async with desk(viewport=PHONE, dark=True) as page:
        await page.goto("/calls?outcome=busy")
        await expect(page.get_by_text("Thank you.")).to_be_visible()
        await fits(page)
        await pictured(page, "calls-phone")


async def test_a_call_is_erased_once_that_is_confirmed(desk: Desk, rig: Rig) -> None:
    rig.call("unwanted", state="ended", outcome="answered", ended_at=now(), seen_at=now())
    async with desk() as page:
        await page.goto("/calls/unwanted")
        await page.get_by_role("button", name="Erase this call").click()
        await page.get_by_role("button", name="Cancel").click()
        await page.reload()
        await page.get_by_role("button", name="Erase this call").click()
        await page.get_by_role("dialog").get_by_role("button", name="Erase").click()
        await expect(page).to_have_url(re.compile("/calls$"))
        await page.goto("/calls/unwanted")
        await expect(page.get_by_text("There is no such call")).to_be_visible()


async def test_nothing_is_done_to_a_call_before_it_is_confirmed(
    desk: Desk, rig: Rig, live_call: Room
) -> None:
    async with desk() as page:
        await page.goto("/calls")
        dialog = page.get_by_role("dialog")
        await page.get_by_role("button", name="Say…").click()
        await dialog.get_by_label("Words").fill("One moment, please.")
        await dialog.get_by_role("button", name="Say it").click()
        await expect(dialog).to_be_hidden()
        rig.switchboard.transfer_fails = "busy"
        await page.get_by_role("button", name="Transfer…").click()
        await dialog.get_by_label("To").fill("+1 202 555 0111")
        await is_accessible(page)
        await dialog.get_by_role("button", name="Transfer", exact=True).click()
        await expect(dialog.get_by_role("alert")).to_contain_text("busy")
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Hang up…").click()
        assert [what for what, *_ in rig.switchboard.asked] == ["say", "transfer"]
        await dialog.get_by_role("button", name="Hang up").click()
        await expect(page.get_by_text("Nobody is on the line")).to_be_visible()
    assert rig.switchboard.asked == [
        ("say", live_call.name, "One moment, please."),
        ("transfer", live_call.name, "+12025550111"),
        ("hang up", live_call.name),
    ]


async def test_who_listens_in_is_unseen_in_the_call_and_noted_in_the_ledger(
    desk: Desk, rig: Rig, live_call: Room, livekit: Server
) -> None:
    caller = rtc.Room()
    seen: list[str] = []
    caller.on("participant_connected", lambda who: seen.append(who.identity))
    await caller.connect(livekit.ports.livekit_url, joining(livekit, live_call.name))
    try:
        async with desk() as page, livekit.client() as client:
            await page.goto("/calls")
            await page.get_by_role("button", name="Listen in").click()
            await expect(page.get_by_text("You are listening in")).to_be_attached()
            (room,) = await look(client)
            assert (room.callers, room.agents, room.listeners) == (1, 0, 1)
            await caller.disconnect()
            await expect(page.get_by_role("button", name="Listen in")).to_have_attribute(
                "aria-pressed", "false"
            )
    finally:
        await caller.disconnect()
    assert seen == []
    with Session(rig.engine) as session:
        noted = session.scalars(select(EventRow).where(EventRow.kind == "listened")).all()
    assert [(event.call_id, event.details["who"]) for event in noted] == [("live", "browser")]


async def test_the_overview_shows_days_parts_and_engines(desk: Desk) -> None:
    async with desk() as page:
        await page.goto("/overview")
        await expect(page.get_by_role("region", name="Today")).to_contain_text("Calls")
        parts = page.get_by_role("table", name="Seconds from the caller's last sound")
        await expect(parts.get_by_role("row")).to_have_count(1 + 7)
        engines = page.get_by_role("region", name="Room for calls")
        await expect(engines.get_by_text("Does not answer")).to_be_visible()
        await page.get_by_label("Period").select_option("7 days")
        await expect(page).to_have_url(re.compile(r"days=7"))
        days = page.get_by_role("table", name="Calls, by day").get_by_role("row")
        await expect(days).to_have_count(1 + 7)
        await is_accessible(page)
        await pictured(page, "overview")
    async with desk(viewport=PHONE, dark=True) as page:
        await page.goto("/overview")
        await expect(page.get_by_role("region", name="Room for calls")).to_be_visible()
        await fits(page)
        await pictured(page, "overview-phone")


async def test_without_calls_each_page_says_what_to_do(browser: Browser, tmp_path: Path) -> None:
    async with (
        serving(tmp_path, entry=Entry(is_open=True), pages=DIST) as rig,
        page_of(browser, rig.url) as page,
    ):
        await page.goto("/calls")
        await expect(page.get_by_text("Nobody is on the line")).to_be_visible()
        await expect(page.get_by_text("No calls yet")).to_be_visible()
        await page.get_by_role("link", name="Overview").click()
        await expect(page.get_by_text("No calls in this time")).to_be_visible()
        await page.get_by_role("link", name="count them").click()
        await expect(page.get_by_label("Count test calls")).to_be_checked()

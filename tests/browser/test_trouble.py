"""What the room says when something is missing: a microphone, leave to use it, or a worker."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from parley.probes import http_ok
from parley.settings import ROOT
from tests.browser.accessible import is_accessible, pictured
from tests.browser.chromium import Microphone, capture, chromium, page_of, transferred
from tests.browser.room import PATIENCE, Room
from tests.livekit_server import livekit_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]


FIRST_LOAD = 300_000
"""Bytes on the wire."""

PASSWORD = "correct horse battery"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def no_worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    async with pages_alone(tmp_path_factory.mktemp("no_worker")) as address:
        yield address


@asynccontextmanager
async def pages_alone(folder: Path, **settings: str) -> AsyncIterator[str]:
    """The address of pages with LiveKit behind them, and nobody to answer."""
    async with livekit_server(folder, **settings) as server:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "parley", "web"),
            cwd=ROOT,
            env=server.environment,
            stdout=DEVNULL,
            stderr=DEVNULL,
        )
        try:
            answers = http_ok(server.ports.web, "/room/config")
            async with asyncio.timeout(30):
                while not await answers():  # noqa: ASYNC110  it tells nobody
                    await asyncio.sleep(0.1)
            yield f"http://127.0.0.1:{server.ports.web}"
        finally:
            process.terminate()
            await process.wait()


@pytest.mark.parametrize(
    ("flags", "title", "todo"),
    [
        (["--use-fake-device-for-media-stream"], "The microphone is refused", "Allow it"),
        (["--use-fake-ui-for-media-stream"], "There is no microphone", "Connect one"),
    ],
)
async def test_without_a_microphone_one_is_told_how_to_get_it(
    no_worker: str, tmp_path: Path, flags: list[str], title: str, todo: str
) -> None:
    async with chromium(*flags) as browser, page_of(browser, no_worker) as page:
        await page.goto("/")
        room = Room(page, Microphone(tmp_path))
        await room.talk()
        await expect(room.alert).to_contain_text(title)
        await expect(room.alert).to_contain_text(todo)
        await expect(room.again).to_be_visible()
        await is_accessible(page)
        await pictured(page, title.rsplit(maxsplit=1)[-1])


async def test_the_room_is_small_to_load_and_the_other_pages_wait(
    no_worker: str, tmp_path: Path
) -> None:
    microphone = Microphone(tmp_path)
    async with chromium(*capture(microphone)) as browser, page_of(browser, no_worker) as page:
        await page.goto("/", wait_until="networkidle")
        loaded = await transferred(page)
        assert sum(loaded.values()) <= FIRST_LOAD, loaded
        assert not [name for name in loaded if "/calls-" in name or "/overview-" in name]
        await page.get_by_role("link", name="Calls").click()
        await expect(page).to_have_title("Calls · Parley")


async def test_what_an_agent_has_to_know_is_asked_for_and_sent(
    no_worker: str, tmp_path: Path
) -> None:
    microphone = Microphone(tmp_path)
    async with chromium(*capture(microphone)) as browser, page_of(browser, no_worker) as page:
        await page.goto("/")
        await page.get_by_role("radio", name="Reminder").check()
        await page.get_by_role("textbox", name="Patient").fill("Ms. Lee")
        await page.get_by_role("textbox", name="Day").fill("  ")
        await is_accessible(page)
        await pictured(page, "told")
        async with page.expect_request("**/room/token") as asked:
            await Room(page, microphone).talk()
        sent = (await asked.value).post_data_json
    assert sent == {"persona": "reminder", "vars": {"patient": "Ms. Lee"}}


async def test_one_signs_in_and_out_where_a_password_is_set(tmp_path: Path) -> None:
    async with (
        pages_alone(tmp_path, PARLEY_WEB_PASSWORD=PASSWORD) as address,
        chromium() as browser,
        page_of(browser, address) as page,
    ):
        await page.goto("/")
        await is_accessible(page)
        await page.get_by_label("Password").fill("something else")
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("alert")).to_contain_text("try again")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.get_by_role("button", name="Talk to")).to_be_visible()
        await is_accessible(page)
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_label("Password")).to_be_visible()


async def test_without_a_worker_one_is_told_and_can_try_again(
    no_worker: str, tmp_path: Path
) -> None:
    microphone = Microphone(tmp_path)
    async with chromium(*capture(microphone)) as browser, page_of(browser, no_worker) as page:
        await page.goto("/")
        room = Room(page, microphone)
        await room.talk()
        await expect(room.state).to_contain_text("Ringing")
        await expect(room.alert).to_contain_text("Nobody answers", timeout=PATIENCE)
        await expect(room.alert).to_contain_text("worker")
        await pictured(page, "no-worker")
        await room.hang_up()
        await room.again.click()
        await expect(room.state).to_contain_text("Ringing")

"""A real Chromium whose microphone says what a test tells it to."""

import os
import shutil
import wave
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
from playwright.async_api import Browser, Page, Playwright, ViewportSize, async_playwright

from sip.simulate.script import VOICE
from sip.simulate.speech import RATE, Samples, spoken

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")

DESK = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=390, height=780)

LOADED = """
  Object.fromEntries(
    [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .map((each) => [each.name, each.transferSize]),
  )
"""

LEAD = 0.3
"""Seconds of silence before what is said: a microphone that is opened takes that long to be heard."""


def executable() -> str:
    """As tools/pages.py looks for it."""
    named = os.environ.get("PARLEY_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    assert found or MAC.exists(), "no Chromium: `make check` installs it"
    return found or str(MAC)


class Microphone:
    """A file that Chromium reads from its start whenever a page opens the microphone."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "microphone.wav"
        self.will_play(np.zeros(RATE // 10, np.int16))

    async def will_say(self, text: str) -> None:
        """When it is opened the next time."""
        self.will_play(await spoken(text, VOICE))

    def will_play(self, sound: Samples) -> None:
        """The same, of mono at `RATE`."""
        with wave.open(str(self.path), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(np.zeros(round(LEAD * RATE), np.int16).tobytes() + sound.tobytes())


@asynccontextmanager
async def chromium(*flags: str) -> AsyncGenerator[Browser]:
    async with async_playwright() as playwright:
        browser = await _launched(playwright, *flags)
        try:
            yield browser
        finally:
            await browser.close()


def capture(microphone: Microphone, *, loop: bool = False) -> tuple[str, ...]:
    """Flags: this microphone, and nobody is asked whether a page may use it."""
    return (
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone.path}{'' if loop else '%noloop'}",
    )


async def transferred(page: Page) -> dict[str, int]:
    """Bytes on the wire, headers included, of each thing that the page has loaded so far."""
    loaded: dict[str, int] = await page.evaluate(LOADED)
    return loaded


async def _launched(playwright: Playwright, *flags: str) -> Browser:
    # Root has no sandbox.
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return await playwright.chromium.launch(
        executable_path=executable(),
        args=[*flags, *as_root, "--disable-dev-shm-usage", "--disable-gpu"],
    )


@asynccontextmanager
async def page_of(
    browser: Browser, address: str, *, viewport: ViewportSize = DESK, dark: bool = False
) -> AsyncGenerator[Page]:
    """Fails at the end if a script of the page threw, or asked for what the policy forbids."""
    context = await browser.new_context(
        base_url=address, viewport=viewport, color_scheme="dark" if dark else "light"
    )
    context.set_default_timeout(30_000)
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "console",
        lambda said: wrong.append(said.text) if "Content Security" in said.text else None,
    )
    try:
        yield page
    finally:
        await context.close()
    assert not wrong, wrong

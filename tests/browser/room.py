"""The room, as somebody uses it: by what its parts are called."""

from playwright.async_api import Locator, Page, expect

from tests.browser.chromium import Microphone

PATIENCE = 60_000.0
"""Milliseconds for what the agent does, on a machine that does much else."""

GREETING = "Harbor Dental"
QUESTION = "what are your opening hours"
ANSWER = "nine in the morning"


class Room:
    """A page that is in the test room."""

    def __init__(self, page: Page, microphone: Microphone) -> None:
        self.page = page
        self.microphone = microphone
        self._said = 0
        self.log = page.get_by_role("log")
        self.alert = page.get_by_role("alert")
        self.state = page.get_by_role("status")

    async def talk(self) -> None:
        """The one big button."""
        await self.page.get_by_role("button", name="Talk to").click()

    async def is_greeted(self) -> None:
        await self.shows(GREETING)

    async def shows(self, words: str) -> None:
        """In the transcript as the agent keeps it: the turn is over."""
        await expect(self.log).to_contain_text(words, timeout=PATIENCE, ignore_case=True)

    async def says_so_far(self, words: str) -> None:
        """In what is being spoken."""
        await expect(self.page.locator(".script")).to_contain_text(words, timeout=PATIENCE)

    async def say(self, text: str) -> None:
        """Into the microphone, which is chosen anew for it: Chromium then reads its file again."""
        await self.microphone.will_say(text)
        self._said += 1
        chosen = self.page.get_by_label("Microphone", exact=True)
        if not await chosen.is_visible():
            await self.page.get_by_text("Microphone and loudspeaker").click()
        await chosen.select_option(label=f"Fake Audio Input {1 + self._said % 2}")

    async def is_answered(self) -> None:
        await self.say(QUESTION)
        await self.shows(ANSWER)

    async def hang_up(self) -> None:
        await self.page.get_by_role("button", name="Hang up").click()
        await expect(self.again).to_be_visible()

    @property
    def again(self) -> Locator:
        return self.page.get_by_role("button", name="Talk again")

    def line(self, words: str) -> Locator:
        """What one of both said, with its waterfall."""
        return self.log.locator(".line").filter(has_text=words)

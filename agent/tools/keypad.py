"""The caller's keys and spoken digits: to whoever collects them, else to what a key does by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from livekit.agents import RunContext, stt

from agent.lexicon.numerals import spoken
from agent.tools.digits import Collection
from agent.tools.guard import Arguments, ToolFailure, Work
from agent.tools.kinds import CollectDigits, Keys

TRANSCRIPTS = frozenset(
    {
        stt.SpeechEventType.INTERIM_TRANSCRIPT,
        stt.SpeechEventType.PREFLIGHT_TRANSCRIPT,
        stt.SpeechEventType.FINAL_TRANSCRIPT,
    }
)

AFTERGLOW = 2.0
"""Seconds after masked digits in which more of the same breath are kept from everybody too."""

FAILURES = {
    "no_input": "The caller entered nothing. Ask once more, or offer another way.",
    "too_few": "The caller entered too few digits. Ask once more, or offer another way.",
}


class Keypad:
    """One a call. `wanted` gets a key's deed, `stop` or `human`, in the order pressed."""

    def __init__(self, keys: Keys | None, language: str) -> None:
        self.wanted: asyncio.Queue[str] = asyncio.Queue(maxsize=8)
        self.kept: dict[str, str] = {}
        """Digits by the name of the tool that collected them; for other tools, never for a model."""
        self.took_at = float("-inf")
        """The loop's time at which words were last taken."""
        self._deeds = {keys.stop: "stop", keys.human: "human"} if keys else {}
        self._language = language.partition("-")[0]
        self._collection: Collection | None = None
        self._secret_until = 0.0
        self._changed = asyncio.Event()

    @property
    def secret(self) -> bool:
        """The caller gives, or has just given, what nobody may keep."""
        collecting = self._collection is not None and self._collection.rules.masked
        return collecting or _now() < self._secret_until

    @property
    def collecting(self) -> bool:
        return self._collection is not None

    def press(self, key: str) -> None:
        if self._collection is not None:
            self._collection.press(key, _now())
            self._changed.set()
        elif (deed := self._deeds.get(key)) and not self.wanted.full():
            self.wanted.put_nowait(deed)

    def forget(self) -> None:
        """What was pressed while something was done about it."""
        while not self.wanted.empty():
            self.wanted.get_nowait()

    def takes(self, event: stt.SpeechEvent) -> bool:
        """Whether a transcript goes no further: not to a turn, the history or the model."""
        if event.type not in TRANSCRIPTS or not event.alternatives:
            return False
        final = event.type is stt.SpeechEventType.FINAL_TRANSCRIPT
        taken = self._takes(event.alternatives[0].text, final)
        if taken:
            self.took_at = _now()
        return taken

    def _takes(self, text: str, final: bool) -> bool:
        if self._collection is None:
            return _now() < self._secret_until and self._has_digits(text)
        if not final:
            return self._collection.rules.by != "keypad" and self._has_digits(text)
        taken = self._collection.speak(text, self._language, _now())
        self._changed.set()
        return taken

    def _has_digits(self, text: str) -> bool:
        return bool(spoken(text, self._language).digits)

    async def collect(
        self,
        rules: CollectDigits,
        asked: Callable[[], Awaitable[object]],
    ) -> Collection:
        """Until the input is over. `asked()` returns when the question has been heard."""
        if self._collection is not None:
            raise ToolFailure("busy", "Digits are being collected already.")
        collection = self._collection = Collection(rules)
        try:
            await asked()
            collection.opened(_now())
            while (wait := collection.wait(_now())) is not None:
                self._changed.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
            return collection
        finally:
            self._collection = None
            if rules.masked:
                self._secret_until = _now() + AFTERGLOW


def collecting(rules: CollectDigits, keypad: Keypad) -> Work:
    async def collect(context: RunContext[None], _: Arguments) -> object:
        collection = await keypad.collect(rules, context.wait_for_playout)
        if collection.state != "complete":
            raise ToolFailure(collection.state, FAILURES[collection.state])
        keypad.kept[rules.name] = collection.digits
        return collection.result()

    how = {"keypad": "on the keypad", "voice": "by voice", "both": "on the keypad or by voice"}
    about = f"{rules.description} Ask for them first; the caller gives them {how[rules.by]}."
    return Work(rules.name, about, Arguments, collect)


def _now() -> float:
    return asyncio.get_running_loop().time()

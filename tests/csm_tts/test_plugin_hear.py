"""The caller's sound: at the engine's rate, never waited for, and counted where it is dropped."""

from typing import Any

import pytest
from livekit import rtc
from livekit.plugins.csm_tts.outbox import MOST_SOUND, Outbox

from tests.conformance.tts import MakeTTS, listen
from tests.csm_tts.conftest import Engine
from tests.csm_tts.waiting import until


def frame(seconds: float, rate: int = 16_000, channels: int = 1) -> rtc.AudioFrame:
    samples = int(seconds * rate)
    return rtc.AudioFrame(bytes(2 * channels * samples), rate, channels, samples)


class TestHear:
    async def test_sound_of_any_rate_comes_at_the_engine_s(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts(remembers="sounds")
        await listen(voice, "Good day.")
        for rate in (16_000, 8_000, 48_000):
            for _ in range(10):
                voice.hear(frame(0.02, rate))
        voice.hear(frame(0.02))
        voice.heard("Hello.")
        await listen(voice, "Yes?")
        heard = [told for told in engine.model.told if told[0] in {"hear", "append"}]
        assert heard[-1] == ("append", "caller", "Hello.")
        seconds = sum(told[1] for told in heard[:-1]) / 2 / 16_000  # type: ignore[misc]
        assert seconds == pytest.approx(0.62, abs=0.005)
        assert voice.unheard_seconds == 0.0

    async def test_without_being_asked_for_is_not_sent(
        self, make_tts: MakeTTS, engine: Engine
    ) -> None:
        voice: Any = make_tts(remembers="texts")
        await listen(voice, "Good day.")
        voice.hear(frame(0.02))
        await listen(voice, "Yes?")
        assert not [told for told in engine.model.told if told[0] == "hear"]

    async def test_while_no_engine_is_there_is_dropped_and_counted(self, make_tts: MakeTTS) -> None:
        voice: Any = make_tts(remembers="sounds")
        voice.hear(frame(0.5))
        assert voice.unheard_seconds == pytest.approx(0.5)

    async def test_of_two_channels_is_refused(self, make_tts: MakeTTS) -> None:
        voice: Any = make_tts(remembers="sounds")
        with pytest.raises(ValueError, match="one channel"):
            voice.hear(frame(0.02, channels=2))

    async def test_brings_a_lost_engine_back(self, make_tts: MakeTTS, engine: Engine) -> None:
        voice: Any = make_tts(remembers="sounds")
        await listen(voice, "Good day.")
        engine.server.drop()

        def told() -> bool:
            voice.hear(frame(0.02))
            return any(told[0] == "hear" for told in engine.model.told)

        await until(told)


def test_what_waits_is_bounded() -> None:
    outbox = Outbox(16_000)
    for _ in range(30):
        outbox.put_sound(bytes(3_200))
    assert outbox.dropped == pytest.approx(3.0 - MOST_SOUND)
    assert not outbox.empty
    outbox.forget()
    assert outbox.empty
    assert outbox.dropped == pytest.approx(3.0)

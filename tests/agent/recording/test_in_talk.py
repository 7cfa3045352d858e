"""Recording in whole calls, on virtual time: the caller is told first, and is heard meanwhile."""

import asyncio
import wave
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from livekit import rtc

from agent.config import Settings
from agent.persona import Persona
from agent.persona.policies import RecordingPlan
from tests.fakes.models import Reply
from tests.fakes.talk import STORY, talk
from tests.fakes.virtual_time import on_virtual_time

NOTICE = "This call is recorded."


def persona(**plan: object) -> Persona:
    return Persona(
        name="clerk",
        instructions="Be brief.",
        greeting="Good day.",
        recording_plan=RecordingPlan.model_validate({"enabled": True, "format": "wav"} | plan),
    )


def seconds(folder: Path) -> float:
    (file,) = folder.iterdir()
    with wave.open(str(file)) as sound:
        length: float = sound.getnframes() / sound.getframerate()
    return length


def test_a_call_is_recorded_from_its_greeting_to_its_end(tmp_path: Path) -> None:
    @on_virtual_time
    async def call_up() -> None:
        settings = Settings(recordings=tmp_path)
        async with talk(persona(), [STORY], settings=settings) as call:
            await call.told(2.0)
        assert call.conversation.call.recording == str(tmp_path / "c1.wav")
        assert call.conversation.recorded_since is not None

    call_up()
    assert seconds(tmp_path) == pytest.approx(6.0, abs=1.0)


def test_a_persona_that_wants_none_leaves_no_file(tmp_path: Path) -> None:
    @on_virtual_time
    async def call_up() -> None:
        settings = Settings(recordings=tmp_path)
        async with talk(persona(enabled=False), [STORY], settings=settings) as call:
            await call.told(1.0)
        assert call.conversation.call.recording is None
        assert call.conversation.recorded_since is None

    call_up()
    assert not list(tmp_path.iterdir())


def test_where_there_is_one_way_of_sound_the_notice_is_said_before_the_greeting(
    tmp_path: Path,
) -> None:
    @on_virtual_time
    async def call_up() -> None:
        settings = Settings(recordings=tmp_path)
        wanted = persona(consent_message=NOTICE)
        async with talk(wanted, ["Of course."], settings=settings) as call:
            await call.until_said("Good day.")
            assert call.voice.spoken[:2] == [NOTICE, "Good day."]
            assert call.history() == ["Good day."]

    call_up()
    assert seconds(tmp_path) < 3.0


class Beside:
    """A track beside the session's, on which a notice takes `seconds`, or fails."""

    def __init__(self, seconds: float, *, fails: bool = False) -> None:
        self._seconds = seconds
        self._fails = fails
        self.over_at = 0.0

    async def __call__(self, sound: AsyncGenerator[rtc.AudioFrame]) -> None:
        if self._fails:
            await sound.aclose()
            raise TimeoutError
        async for _ in sound:
            pass
        await asyncio.sleep(self._seconds)
        self.over_at = asyncio.get_running_loop().time()


def test_what_the_caller_says_during_the_notice_is_answered_after_it(tmp_path: Path) -> None:
    @on_virtual_time
    async def call_up() -> None:
        settings, beside = Settings(recordings=tmp_path), Beside(12.0)
        wanted = persona(consent_message=NOTICE)
        async with talk(wanted, ["Of course."], settings=settings, beside=beside) as call:
            await call.caller.speak(1.0, "May I ask something?")
            await call.until_said("Of course.")
            assert call.now > beside.over_at > 0
            assert [said.strip() for said in call.history()] == ["Good day.", "Of course."]
            assert call.history("user") == ["May I ask something?"]

    call_up()
    assert seconds(tmp_path) < 12.0


def test_a_caller_who_could_not_be_told_is_not_recorded(tmp_path: Path) -> None:
    @on_virtual_time
    async def call_up() -> None:
        settings, beside = Settings(recordings=tmp_path), Beside(1.0, fails=True)
        wanted = persona(consent_message=NOTICE)
        async with talk(wanted, ["Of course."], settings=settings, beside=beside) as call:
            await call.caller.speak(1.0, "May I ask something?")
            await call.until_said("Of course.")

    call_up()
    assert not list(tmp_path.iterdir())


def unwilling(folder: Path, tool: dict[str, object] | None, **plan: object) -> str | None:
    """A call of about ten seconds whose caller objects after two; returns its recording."""
    recording = None

    @on_virtual_time
    async def call_up() -> None:
        nonlocal recording
        stops = [Reply(tool="stop_recording"), Reply("Of course.")] if tool else ["Of course."]
        wanted = persona(**plan).model_copy(update={"tools": [tool] if tool else []})
        async with talk(wanted, stops, settings=Settings(recordings=folder)) as call:
            if not tool:
                call.conversation.stop_recording(False)
            call.session.generate_reply(user_input="Please do not record me.")
            await call.until_said("Of course.")
            await asyncio.sleep(5.0)
        recording = call.conversation.call.recording

    call_up()
    return recording


@pytest.mark.parametrize("tool", [{"type": "stop_recording"}, None], ids=["caller", "operator"])
def test_a_recording_that_is_stopped_ends_there(
    tmp_path: Path, tool: dict[str, object] | None
) -> None:
    assert unwilling(tmp_path, tool) == str(tmp_path / "c1.wav")
    assert 1.0 < seconds(tmp_path) < 6.0


def test_a_recording_that_is_discarded_leaves_nothing(tmp_path: Path) -> None:
    assert unwilling(tmp_path, {"type": "stop_recording", "discard": True}) is None
    assert not list(tmp_path.iterdir())


def test_a_recording_that_is_stopped_before_it_began_does_not_begin(tmp_path: Path) -> None:
    @on_virtual_time
    async def call_up() -> None:
        settings = Settings(recordings=tmp_path)
        wanted = persona(consent_message=NOTICE)
        async with talk(wanted, [STORY], settings=settings, beside=Beside(12.0)) as call:
            call.conversation.stop_recording(False)
            await asyncio.sleep(15.0)
        assert call.conversation.call.recording is None

    call_up()
    assert not list(tmp_path.iterdir())

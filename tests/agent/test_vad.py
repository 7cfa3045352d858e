"""Either voice activity detector hears a person, and the end of their words in a quarter second."""

import wave
from pathlib import Path
from typing import get_args

import pytest
from livekit import rtc
from livekit.agents import vad
from pydantic import ValidationError

from agent.config import Settings, VadKind
from agent.session import VAD_SILENCE, import_vad, load_vad

QUESTION = Path(__file__).parent.parent / "data" / "audio" / "weather_question.wav"


async def heard(detector: vad.VAD) -> list[vad.VADEvent]:
    """What it says of a person's question with a second of silence behind it."""
    with wave.open(str(QUESTION)) as file:
        rate = file.getframerate()
        sound = file.readframes(file.getnframes()) + bytes(2 * rate)
    stream, step = detector.stream(), 2 * (rate // 50)
    for start in range(0, len(sound) - step, step):
        stream.push_frame(rtc.AudioFrame(sound[start : start + step], rate, 1, step // 2))
    stream.end_input()
    return [event async for event in stream if event.type != vad.VADEventType.INFERENCE_DONE]


@pytest.mark.parametrize("kind", get_args(VadKind))
async def test_a_quarter_second_of_silence_ends_speech(kind: VadKind) -> None:
    import_vad(kind)
    start, end = await heard(load_vad(kind))
    assert start.type == vad.VADEventType.START_OF_SPEECH
    assert end.type == vad.VADEventType.END_OF_SPEECH
    window = 512 / 16_000  # it listens in pieces of so many seconds
    assert VAD_SILENCE == 0.25
    assert VAD_SILENCE <= end.silence_duration < VAD_SILENCE + window


def test_there_is_no_other_detector() -> None:
    with pytest.raises(ValidationError, match="'bundled' or 'silero'"):
        Settings.model_validate({"vad": "webrtc"})

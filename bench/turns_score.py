"""What v1-mini says of a caller's silences, as the framework asks it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from livekit import rtc
from livekit.agents import inference, vad
from livekit.local_inference import EOT, EOT_MAX_SAMPLES

from agent.session import VAD_SILENCE
from bench.telephone import RATE, Samples
from bench.turns_clips import LINES, Clip, Line, over

ASKS_AFTER = 0.2
"""Seconds of silence after which the framework asks (`MIN_SILENCE_DURATION_MS`)."""

FRAME = RATE // 50

PAUSE = "recording, pause"


@dataclass(frozen=True)
class Asked:
    probability: float
    silence: float | None
    """Seconds until speech went on; None where it did not."""


@dataclass(frozen=True)
class Score:
    """Of the end of one clip, or of a pause within a recording."""

    name: str
    kind: str
    ended: bool
    line: Line
    probability: float
    pause: float | None
    said: str
    asked: str


async def score(clips: Iterable[Clip]) -> list[Score]:
    """Clips of which the detector hears no speech are left out."""
    model, scores = EOT(), list[Score]()
    for clip in clips:
        for line in LINES:
            *pauses, end = await silences(over(clip.sound, line), model) or [None]
            if end is None:
                continue
            about = (clip.said, clip.asked)
            if not clip.said:  # a recording: its own pauses are people's
                scores += [
                    Score(clip.name, PAUSE, False, line, at.probability, at.silence, *about)
                    for at in pauses
                    if at
                ]
            ends = (clip.name, clip.kind, clip.ended, line, end.probability, None, *about)
            scores.append(Score(*ends))
    return scores


async def silences(sound: Samples, model: EOT) -> list[Asked]:
    """Each of them after speech that the worker's voice detector found."""
    detector = inference.VAD(model="silero", min_silence_duration=VAD_SILENCE)
    stream = detector.stream()
    for at in range(0, len(sound) - FRAME + 1, FRAME):
        stream.push_frame(rtc.AudioFrame(sound[at : at + FRAME].tobytes(), RATE, 1, FRAME))
    stream.end_input()
    found: list[tuple[float, float]] = []
    pending: float | None = None
    speaking = False
    async for event in stream:
        if event.type is not vad.VADEventType.INFERENCE_DONE:
            speaking = event.type is vad.VADEventType.START_OF_SPEECH or speaking
            continue
        if event.raw_accumulated_speech > 0:
            if pending is not None and found and event.speaking:
                found[-1] = pending, event.timestamp - pending + ASKS_AFTER
                pending = None
        elif speaking and event.raw_accumulated_silence >= ASKS_AFTER and pending is None:
            pending = event.timestamp
            found.append((pending, 0.0))
    await stream.aclose()
    return [
        Asked(await asyncio.to_thread(_predict, model, sound, at), seconds or None)
        for at, seconds in found
    ]


def _predict(model: EOT, sound: Samples, second: float) -> float:
    until = round(second * RATE)
    return float(model.predict(sound[max(0, until - EOT_MAX_SAMPLES) : until]))

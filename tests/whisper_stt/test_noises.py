"""The voice detector and the policy on what a telephone carries: no noise opens an utterance, every
voice does."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.audio import decode_audio

from bench.telephone import over_g711
from tests.whisper_stt.decodes import decode
from tests.whisper_stt.noises import CELLO, NOISES, RATE, Samples, at_level, hiss
from whisper_engine.model import Span
from whisper_engine.streaming.hearing import FinalDue, Hearing, SpeechStarts, Utterance
from whisper_engine.streaming.vad import WINDOW, Vad
from whisper_engine.whisper.guards import Empty, Reason, judge

AUDIO = Path(__file__).parent.parent / "data" / "audio"
CLIPS = sorted(path for path in AUDIO.iterdir() if path.suffix in {".wav", ".flac"})
BEFORE = AFTER = RATE


@dataclass(frozen=True)
class Heard:
    """Utterances that were opened, and how often speech was said to start."""

    utterances: list[Utterance]
    starts: int


def hear(sound: Samples) -> Heard:
    whole = sound[: len(sound) // WINDOW * WINDOW]
    hearing = Hearing()
    dues = [due for p in Vad().probabilities(whole.tobytes()) for due in hearing.step(p)]
    utterances = [due.utterance for due in dues if isinstance(due, FinalDue)]
    if rest := hearing.take():
        utterances.append(rest)
    return Heard(utterances, sum(isinstance(due, SpeechStarts) for due in dues))


@pytest.mark.parametrize("name", NOISES)
def test_no_noise_opens_an_utterance(name: str) -> None:
    assert hear(NOISES[name]) == Heard([], 0)
    assert hear(over_g711(NOISES[name])) == Heard([], 0)


def test_what_fools_the_detector_is_too_short_for_a_known_hallucination() -> None:
    """From a stream's first sample on the detector takes a cello for a voice, for a sixth of a second."""
    (utterance,) = hear(CELLO).utterances
    speech = [Span(utterance.onset - utterance.start, utterance.end - utterance.start)]
    thanks = decode("Thank you.", logprob=-0.3)
    assert judge(thanks, speech, last_try=False) == Empty(Reason.PHRASE)


def test_a_cello_after_a_second_of_line_opens_nothing() -> None:
    line = at_level(hiss(seconds=1.0), -60)
    assert hear(np.concatenate([line, CELLO])) == Heard([], 0)


@pytest.mark.parametrize("dbfs", [-15, -30, -45])
@pytest.mark.parametrize("clip", CLIPS, ids=lambda path: path.stem)
def test_every_voice_opens_an_utterance_and_is_in_it_from_first_to_last(
    clip: Path, dbfs: float
) -> None:
    voice = at_level(decode_audio(str(clip), sampling_rate=RATE).astype(np.float64), dbfs)
    loud = np.flatnonzero(np.abs(voice.astype(np.int32)) > np.abs(voice).max() / 10)
    sound = over_g711(np.pad(voice, (BEFORE, AFTER)))
    heard = hear(sound)
    (utterance,) = heard.utterances
    assert heard.starts == 1
    assert BEFORE // 2 <= utterance.start <= BEFORE + loud[0]
    assert BEFORE + loud[-1] <= utterance.end + RATE * 0.15


@pytest.mark.parametrize("clip", CLIPS, ids=lambda path: path.stem)
def test_every_voice_is_heard_over_the_noise_of_a_room(clip: Path) -> None:
    voice = at_level(decode_audio(str(clip), sampling_rate=RATE).astype(np.float64), -25)
    padded = np.pad(voice, (BEFORE, AFTER)).astype(np.int32)
    room = at_level(hiss(0.5, len(padded) / RATE), -40)
    mixed = (padded + room[: len(padded)]).clip(-32_768, 32_767).astype(np.int16)
    assert len(hear(over_g711(mixed)).utterances) == 1

"""The policy by itself: probabilities in, what is due out."""

from hypothesis import given
from hypothesis import strategies as st

from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.streaming.hearing import (
    Due,
    FinalDue,
    Hearing,
    InterimDue,
    PreflightDue,
    SpeechEnds,
    SpeechStarts,
)
from whisper_engine.streaming.vad import WINDOW

SPEECH, SILENCE = 0.9, 0.02


def windows(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE / WINDOW)


def hear(hearing: Hearing, probability: float, seconds: float) -> list[Due]:
    return [due for _ in range(windows(seconds)) for due in hearing.step(probability)]


def test_silence_asks_for_nothing_and_keeps_only_the_pre_roll() -> None:
    hearing = Hearing()
    assert hear(hearing, SILENCE, 60) == []
    assert hearing.position - hearing.keep_from == round(0.4 * SAMPLE_RATE)


def test_a_turn_starts_after_120_ms_with_its_pre_roll() -> None:
    hearing = Hearing()
    hear(hearing, SILENCE, 1)
    onset = hearing.position
    assert hear(hearing, SPEECH, 0.096) == []
    assert hearing.step(SPEECH) == [SpeechStarts(onset)]
    assert hearing.open is not None
    assert hearing.open.start == onset - round(0.4 * SAMPLE_RATE)


def test_a_click_is_no_speech() -> None:
    hearing = Hearing()
    for _ in range(20):
        assert hear(hearing, SPEECH, 0.064) == []
        assert hear(hearing, SILENCE, 0.5) == []
    assert hearing.open is None


def test_interims_come_every_300_ms_of_speech() -> None:
    due = hear(Hearing(), SPEECH, 3.0)
    assert 9 <= sum(isinstance(item, InterimDue) for item in due) <= 10


def test_a_pause_is_prepared_for_once_and_then_ends_the_speech() -> None:
    hearing = Hearing()
    hear(hearing, SPEECH, 1)
    end = hearing.position
    assert hear(hearing, SILENCE, 0.096) == []
    (preflight,) = hearing.step(SILENCE)
    assert isinstance(preflight, PreflightDue)
    assert preflight.utterance.end == end
    assert hear(hearing, SILENCE, 1) == [SpeechEnds(end)]


def test_speech_after_a_short_pause_is_the_same_speech_and_is_prepared_for_again() -> None:
    hearing = Hearing()
    hear(hearing, SPEECH, 1)
    hear(hearing, SILENCE, 0.16)
    due = hear(hearing, SPEECH, 1) + hear(hearing, SILENCE, 0.16)
    assert not any(isinstance(item, SpeechStarts | SpeechEnds) for item in due)
    assert sum(isinstance(item, PreflightDue) for item in due) == 1


def test_take_gives_the_utterance_once() -> None:
    hearing = Hearing()
    hear(hearing, SPEECH, 1)
    hear(hearing, SILENCE, 0.5)
    utterance = hearing.take()
    assert utterance is not None
    assert utterance.onset == 0
    assert hearing.take() is None


def test_the_next_utterance_does_not_reach_back_over_a_final() -> None:
    hearing = Hearing()
    hear(hearing, SPEECH, 1)
    hear(hearing, SILENCE, 0.1)
    hearing.take()
    floor = hearing.position
    hear(hearing, SILENCE, 0.3)
    hear(hearing, SPEECH, 0.5)
    assert hearing.open is not None
    assert hearing.open.start == floor


def test_two_seconds_of_silence_make_a_final() -> None:
    hearing = Hearing()
    hear(hearing, SPEECH, 1)
    due = hear(hearing, SILENCE, 2.1)
    assert isinstance(due[-1], FinalDue)
    assert hearing.open is None


def test_long_speech_is_cut_at_its_longest_pause() -> None:
    hearing = Hearing()
    hear(hearing, SPEECH, 5)
    hear(hearing, SILENCE, 0.3)
    hear(hearing, SPEECH, 4)
    pause = hearing.position
    hear(hearing, SILENCE, 0.8)
    after = hearing.position
    due = hear(hearing, SPEECH, 10)
    (final,) = [item for item in due if isinstance(item, FinalDue)]
    assert final.utterance.end == pause
    assert hearing.open is not None
    assert hearing.open.onset == after
    assert pause <= hearing.open.start <= after


@given(st.lists(st.tuples(st.sampled_from([0.0, 0.2, 0.3, 0.5, 1.0]), st.integers(1, 120))))
def test_finals_never_overlap_and_memory_is_bounded(turns: list[tuple[float, int]]) -> None:
    hearing = Hearing()
    said_until = 0
    speaking = False
    for probability, count in turns:
        for _ in range(count):
            for due in hearing.step(probability):
                match due:
                    case FinalDue(utterance=utterance):
                        assert said_until <= utterance.start <= utterance.onset < utterance.end
                        said_until = utterance.end
                    case SpeechStarts():
                        assert not speaking
                        speaking = True
                    case SpeechEnds():
                        assert speaking
                        speaking = False
            assert hearing.keep_from >= said_until
            assert hearing.position - hearing.keep_from <= 23 * SAMPLE_RATE

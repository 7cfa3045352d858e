"""Transcripts as files: pure."""

from hypothesis import given
from hypothesis import strategies as st

from whisper_engine.api.formats import (
    LONGEST_CUE,
    Segment,
    Transcript,
    as_json,
    as_srt,
    as_text,
    as_verbose_json,
    as_vtt,
    segments,
)
from whisper_engine.model import HeardWord

WORDS = st.lists(st.text("abcdefgé你.?'-&<", min_size=1, max_size=12), min_size=1, max_size=40)


def spoken(text: str, pace: float = 0.4) -> tuple[HeardWord, ...]:
    return tuple(
        HeardWord(word, number * pace, number * pace + 0.3, 0.5)
        for number, word in enumerate(text.split())
    )


def cut(text: str, words: tuple[HeardWord, ...], offset: float = 0.0) -> list[Segment]:
    return list(segments(text, words, offset, (1.0, 2.0), 0.8))


def transcript(*cues: Segment) -> Transcript:
    return Transcript(" ".join(cue.text for cue in cues), "en", 61.0, cues)


def test_a_cue_is_a_sentence() -> None:
    text = "Is it open? Yes, until nine. Good"
    cues = cut(text, spoken(text), offset=10.0)
    assert [cue.text for cue in cues] == ["Is it open?", "Yes, until nine.", "Good"]
    assert (cues[1].start, cues[1].end) == (11.2, 12.3)
    assert cues[1].confidence == 0.5
    assert [word.text for word in cues[1].words] == ["Yes,", "until", "nine."]


def test_a_pause_ends_a_cue() -> None:
    words = (HeardWord("one", 0, 0.3, 1), HeardWord("two", 1.2, 1.5, 1))
    assert [cue.text for cue in cut("one two", words)] == ["one", "two"]


def test_without_words_or_with_others_there_is_one_cue() -> None:
    whole = Segment("one two", 1.0, 2.0, 0.8)
    assert cut("one two", ()) == [whole]
    assert cut("one two", (HeardWord("three", 0, 1, 1),)) == [whole]


def test_words_without_spaces_between_them_keep_their_text() -> None:
    words = (
        HeardWord("你", 0, 0.3, 1),
        HeardWord("好。", 0.3, 0.6, 1),
        HeardWord("再", 0.6, 0.9, 1),
    )
    assert [cue.text for cue in cut("你好。再", words)] == ["你好。", "再"]


@given(WORDS)
def test_cues_hold_the_whole_text_in_order_and_fit_two_lines(said: list[str]) -> None:
    text = " ".join(said)
    cues = cut(text, spoken(text))
    assert " ".join(cue.text for cue in cues) == text
    assert all(len(cue.text) <= LONGEST_CUE for cue in cues)
    assert [word.text for cue in cues for word in cue.words] == text.split()


def test_text_and_json() -> None:
    said = transcript(Segment("One.", 0, 1, 1), Segment("Two.", 1, 2, 1))
    assert as_text(said) == "One. Two.\n"
    assert as_json(said) == {
        "text": "One. Two.",
        "usage": {"type": "duration", "seconds": 61},
    }


def test_srt() -> None:
    said = transcript(Segment("One.", 0.5, 1.25, 1), Segment("Two.", 3_661.0, 3_662.9996, 1))
    assert as_srt(said) == (
        "1\n00:00:00,500 --> 00:00:01,250\nOne.\n\n2\n01:01:01,000 --> 01:01:03,000\nTwo.\n\n"
    )


def test_vtt_escapes_its_markup() -> None:
    said = transcript(Segment("A <b> & --> c", 0.5, 1.25, 1))
    assert as_vtt(said) == (
        "WEBVTT\n\n00:00:00.500 --> 00:00:01.250\nA &lt;b&gt; &amp; --&gt; c\n\n"
    )


def test_verbose_json_has_what_was_asked_for() -> None:
    said = transcript(*cut("One two.", spoken("One two.")))
    both = as_verbose_json(said, frozenset({"word", "segment"}))
    assert both["words"][1] == {"word": "two.", "start": 0.4, "end": 0.7}
    (segment,) = both["segments"]
    assert (segment["id"], segment["start"], segment["end"]) == (0, 0.0, 0.7)
    assert -0.7 < segment["avg_logprob"] < -0.69
    assert "words" not in as_verbose_json(said, frozenset({"segment"}))
    assert "segments" not in as_verbose_json(said, frozenset({"word"}))


def test_nothing_said_is_an_empty_file_of_its_format() -> None:
    nothing = transcript()
    assert as_srt(nothing) == ""
    assert as_vtt(nothing) == "WEBVTT\n\n"
    assert as_text(nothing) == "\n"
    assert as_verbose_json(nothing, frozenset({"segment"}))["segments"] == []

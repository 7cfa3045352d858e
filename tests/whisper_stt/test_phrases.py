"""The bag of hallucinations by itself."""

import pytest

from whisper_engine.whisper.phrases import Phrase, phrase_of


@pytest.mark.parametrize(
    ("text", "language", "phrase"),
    [
        ("Thanks for watching!", "en", Phrase.SIGN_OFF),
        ("Thanks for watching. Please subscribe.", "en", Phrase.SIGN_OFF),
        ("Thank you. Thanks for watching!", "en", Phrase.COURTESY),
        ("THANK YOU, bye", "en", Phrase.COURTESY),
        ("Danke!", "de", Phrase.COURTESY),
        ("Danke!", "en", None),
        ("thank you for the invoice", "en", None),
        ("", "en", None),
        ("...", "en", None),
        ("İzlediğiniz için teşekkürler", "tr", Phrase.SIGN_OFF),
    ],
)
def test_only_a_text_of_nothing_else_is_one(
    text: str, language: str, phrase: Phrase | None
) -> None:
    assert phrase_of(text, language) is phrase


def test_a_long_text_of_short_phrases_is_told_at_once() -> None:
    assert phrase_of("bye you thank you " * 500 + "for", "en") is None

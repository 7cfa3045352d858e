"""Sentences leave as soon as they are whole, and nothing is lost on the way."""

from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.csm_tts.phrasing import sentences

from csm_engine.protocol import MAX_SENTENCE_CHARS


async def spoken(pieces: Iterable[object]) -> list[str]:
    async def text() -> AsyncIterator[object]:
        for piece in pieces:
            yield piece

    return [sentence async for sentence in sentences(text())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sure. I can.", ["Sure.", " I can."]),
        ("No.", ["No."]),
        ("Dr. Smith is in.", ["Dr. Smith is in."]),
        ("It costs 3.5 euros. Fine?", ["It costs 3.5 euros.", " Fine?"]),
        ("Hello!\n\n- One\n- Two", ["Hello!", "\n\n- One\n- Two"]),
        ("... Well.", [" Well."]),
        ("", []),
        ("?!", []),
    ],
)
async def test_text_is_cut_where_a_speaker_would(text: str, expected: list[str]) -> None:
    assert await spoken([text]) == expected
    assert await spoken(text) == expected, "written letter by letter"


async def test_an_item_that_is_no_text_lets_go_of_what_is_held() -> None:
    seen: list[str] = []

    async def text() -> AsyncIterator[object]:
        yield "One moment"
        yield object()
        assert seen == ["One moment"]

    async for sentence in sentences(text()):
        seen += [sentence]
    assert seen == ["One moment"]


@given(st.lists(st.text(alphabet="abC .!?\n,", max_size=30)))
async def test_every_word_is_spoken_once_and_in_order(pieces: list[str]) -> None:
    said = "".join(await spoken(pieces))
    letters = [character for character in said if character.isalnum()]
    assert letters == [character for character in "".join(pieces) if character.isalnum()]


@given(st.text(alphabet="ab ", min_size=1, max_size=6_000))
async def test_no_sentence_is_longer_than_the_wire_takes(text: str) -> None:
    said = await spoken([text])
    assert all(0 < len(sentence.strip()) <= MAX_SENTENCE_CHARS for sentence in said)
    assert "".join(said).split() == text.split() or max(map(len, text.split())) > 1_000

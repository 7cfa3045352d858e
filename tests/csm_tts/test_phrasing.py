"""Sentences leave as soon as they are whole, and nothing is lost on the way."""

from collections.abc import AsyncIterator, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.csm_tts.clauses import clause_end
from livekit.plugins.csm_tts.phrasing import sentences

from csm_engine.protocol import MAX_SENTENCE_CHARS


async def spoken(pieces: Iterable[object], *, first_clause: bool = False) -> list[str]:
    async def text() -> AsyncIterator[object]:
        for piece in pieces:
            yield piece

    return [sentence async for sentence in sentences(text(), first_clause=first_clause)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Sure. I can.", ["Sure.", " I can."]),
        ("No.", ["No."]),
        ("Dr. Smith is in.", ["Dr. Smith is in."]),
        ("It costs 3.5 euros. Fine?", ["It costs 3.5 euros.", " Fine?"]),
        ("Hello!\n\n- One\n- Two", ["Hello!", "\n\n- One\n- Two"]),
        (
            "We are open. Of course. Until six today.",
            ["We are open.", " Of course. Until six today."],
        ),
        ("Good. Hello there. How are you?", ["Good.", " Hello there. How are you?"]),
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
        yield "Hold on. "
        yield object()
        assert seen == ["One moment", "Hold on."]

    async for sentence in sentences(text()):
        seen += [sentence]
    assert seen == ["One moment", "Hold on."]


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


@pytest.mark.parametrize(
    "text",
    [
        "If you like to come,| w",
        "We have four rooms free;| t",
        "There are two ways to pay:| b",
        "I will look that up -| o",
        "I will look that up \u2014| o",
        "I will look that up\u2014|one",
        "He said that \u201cit is open,\u201d| a",
        "We can be there by 10,| a",
        "Well, if you like to come,| w",
        "Dr. Smith can see you,| a",
    ],
)
def test_a_clause_ends_at_a_mark_before_more_of_the_sentence(text: str) -> None:
    assert clause_end(text.replace("|", "")) == text.index("|")


@pytest.mark.parametrize(
    "text",
    [
        "If you like to come, ",
        "If you like to come,",
        "Well, yes, then, w",
        "It costs no more than 1,000 euros",
        "It costs us about 1, 000 euros",
        "We open every day at 10:30 and",
        "That was on the March 5, 2026 and",
        "You may pay with cards e.g., a debit card",
        "If you like to come, we open at nine.",
        "If you like to come, do you want a room?\u201d ",
        "The score of today was 3 - 2 and",
        "That is a well-known and part-time job",
        "\u2014 \u2014 \u2014 \u2014 , a",
        "",
    ],
)
def test_nothing_else_ends_a_clause(text: str) -> None:
    assert clause_end(text) is None


async def test_a_first_sentence_that_is_still_written_is_begun_at_its_clause() -> None:
    text = "If you like to come, we open at nine, every day. On Sundays, we are closed, always."
    assert await spoken(text, first_clause=True) == [
        "If you like to come,",
        " we open at nine, every day.",
        " On Sundays, we are closed, always.",
    ]
    assert await spoken(text) == [text[:48], text[48:]], "without the option"


async def test_a_first_sentence_that_has_ended_is_left_whole() -> None:
    text = "If you like to come, we open at nine. Or"
    assert await spoken([text], first_clause=True) == [text[:37], text[37:]]
    assert await spoken([text[:37]], first_clause=True) == [text[:37]]
    assert (await spoken(["Sure. ", *text], first_clause=True))[0] == "Sure."


@given(st.lists(st.text(alphabet='abC .,;:-1\u2014"!?\n', max_size=30)))
async def test_a_clause_loses_nothing_either(pieces: list[str]) -> None:
    text = "".join(pieces)
    early = "".join(await spoken(pieces, first_clause=True))
    assert [c for c in early if c.isalnum()] == [c for c in text if c.isalnum()]


@given(st.lists(st.sampled_from(["one ", "two, ", "1,000 ", "3; ", "b\u2014c "]), min_size=1))
async def test_joined_pieces_are_the_text(words: list[str]) -> None:
    text = "".join(words)
    assert "".join(await spoken(text, first_clause=True)) == text

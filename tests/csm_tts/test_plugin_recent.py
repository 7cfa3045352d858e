"""What is known of a conversation without an engine: turns, and how far a stream was heard."""

import pytest
from livekit.plugins.csm_tts.budget import Budget
from livekit.plugins.csm_tts.recent import MOST_CHARS, MOST_TURNS, Recent, append_of
from livekit.plugins.csm_tts.spoken import Spoken

from csm_engine.protocol import MAX_SENTENCE_CHARS


def told(recent: Recent) -> list[tuple[str, str]]:
    return [(turn.speaker, turn.text) for turn in recent.turns()]


def stream(*, made: float, taken: float) -> Spoken:
    budget = Budget(1.0)
    spoken = Spoken(budget)
    spoken.begin("u")
    budget.push(made)
    budget.take(taken)
    return spoken


class TestRecent:
    def test_sentences_of_a_reply_are_one_turn(self) -> None:
        recent = Recent("texts")
        recent.agent("Good day.", "u1", 0.0)
        recent.agent("How are you?", "u1", 1.0)
        recent.caller("Fine.")
        assert told(recent) == [("agent", "Good day. How are you?"), ("caller", "Fine.")]

    @pytest.mark.parametrize(
        ("remembers", "speakers"),
        [("nothing", []), ("agent", ["agent"]), ("texts", ["caller", "agent"])],
    )
    def test_only_those_count_that_are_to_be_remembered(
        self, remembers: str, speakers: list[str]
    ) -> None:
        recent = Recent(remembers)  # type: ignore[arg-type]
        recent.caller("Hello.")
        recent.agent("Good day.", "u1", 0.0)
        assert [speaker for speaker, _ in told(recent)] == speakers

    def test_what_was_not_reached_was_not_said(self) -> None:
        recent = Recent("agent")
        recent.agent("One.", "u0", 0.0)
        recent.agent("Two.", "u1", 0.0)
        recent.agent("Three.", "u1", 1.0)
        recent.cut("u1", 0.5)
        assert told(recent) == [("agent", "One. Two.")]
        recent.cut("u1", 0.0)
        assert told(recent) == [("agent", "One.")]

    def test_the_latest_turns_are_kept_and_no_more(self) -> None:
        recent = Recent("texts")
        for number in range(20):
            recent.caller(f"q{number}")
            recent.agent(f"a{number}", str(number), 0.0)
        turns = told(recent)
        assert len(turns) == MOST_TURNS
        assert turns[-1] == ("agent", "a19")

    def test_a_long_turn_is_told_by_its_end(self) -> None:
        recent = Recent("texts")
        recent.caller("a" * 900)
        recent.agent("b" * 900, "u", 0.0)
        (_, caller), (_, agent) = told(recent)
        assert (len(caller), len(agent)) == (100, 900)
        recent.agent("c" * 900, "u", 1.0)
        assert [len(text) for _, text in told(recent)] == [MOST_CHARS]

    def test_a_turn_fits_the_wire_or_is_none(self) -> None:
        turn = append_of("caller", "x" * 5_000)
        assert turn is not None
        assert len(turn.text) == MAX_SENTENCE_CHARS
        assert append_of("caller", " \n") is None


class TestSpoken:
    def test_without_a_tap_what_was_taken_may_have_been_heard(self) -> None:
        assert stream(made=3.0, taken=1.5).played("u") == 1.5

    def test_with_one_no_more_than_the_output_took(self) -> None:
        spoken = stream(made=3.0, taken=1.5)
        spoken.captured = 0.5
        assert spoken.played("u") == 0.5

    def test_a_cut_is_told_once_and_holds_for_later_cancels(self) -> None:
        spoken = stream(made=3.0, taken=3.0)
        assert [(m.utterance, m.played_ms) for m in spoken.cut(0.25)] == [("u", 250)]
        assert spoken.played("u") == 0.25
        assert spoken.uncaptured == 0.0

    def test_all_heard_is_no_cut(self) -> None:
        assert stream(made=3.0, taken=3.0).cut(3.0) == []

    @pytest.mark.parametrize(
        ("heard", "cancels"),
        [(0.5, [("u", 500), ("v", 0)]), (2.0, [("v", 0)]), (2.5, [("v", 500)])],
    )
    def test_after_the_loss_of_an_engine_each_part_gets_its_own(
        self, heard: float, cancels: list[tuple[str, int]]
    ) -> None:
        spoken = stream(made=2.0, taken=2.0)
        spoken.begin("v")
        spoken.budget.push(1.0)
        assert [(m.utterance, m.played_ms) for m in spoken.cut(heard)] == cancels

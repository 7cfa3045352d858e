"""What a reply's time is divided into."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.session import VAD_SILENCE
from ledger.waterfall import HUSH, parts, parts_of_turns

ASKED = {"transcription_delay": 0.3, "end_of_turn_delay": 0.35}
ANSWERED = {"llm_node_ttft": 0.2, "tts_node_ttfb": 0.1, "playback_latency": 0.05}
ORDER = ("detect", "transcribe", "turn", "think", "speak", "play")


def test_the_detector_is_as_patient_as_the_workers() -> None:
    assert HUSH == VAD_SILENCE


def test_the_parts_of_a_reply_follow_each_other() -> None:
    found = parts(ASKED | ANSWERED | {"e2e_latency": 0.6})
    assert tuple(found) == (*ORDER, "whole")
    assert [found[name] for name in ORDER] == pytest.approx([0.25, 0.05, 0.05, 0.1, 0.1, 0.05])
    assert found["whole"] == 0.6


def test_a_greeting_has_what_is_known_of_it_and_no_whole() -> None:
    assert parts({"tts_node_ttfb": 0.1, "playback_latency": 0.02}) == {"speak": 0.1, "play": 0.02}
    assert parts({}) == {}
    assert parts({"llm_metadata": {"model_name": "m"}, "e2e_latency": None}) == {}


def test_an_answer_is_put_beside_its_own_question() -> None:
    answer = ANSWERED | {"e2e_latency": 0.6}
    turns = [("assistant", {}), ("user", ASKED), ("assistant", answer), ("assistant", ANSWERED)]
    greeting, question, reply, more = parts_of_turns(turns)
    assert (greeting, question) == ({}, {})
    assert reply == parts(ASKED | answer)
    assert more == parts(ANSWERED)


@given(
    st.dictionaries(
        st.sampled_from([*ASKED, *ANSWERED, "e2e_latency"]),
        st.floats(-1.0, 60.0, allow_nan=False),
    )
)
def test_none_is_negative_and_together_they_are_the_whole(latencies: dict[str, float]) -> None:
    found = parts(latencies)
    assert all(value >= 0.0 for value in found.values())
    if "e2e_latency" in latencies:
        together = sum(found.get(name, 0.0) for name in ORDER)
        assert together == pytest.approx(found["whole"], abs=0.001)

"""Which engine a new call goes to."""

from hypothesis import given
from hypothesis import strategies as st
from livekit.plugins.whisper_stt.choice import Seen, by_room

engines = st.lists(
    st.builds(
        Seen,
        url=st.uuids().map(str),
        room=st.none() | st.integers(0, 20),
        failed=st.booleans(),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda engine: engine.url,
)


def test_most_room_comes_first_and_silence_last() -> None:
    seen = [
        Seen("silent", None),
        Seen("full", 0),
        Seen("failed", 9, failed=True),
        Seen("some", 2),
        Seen("most", 5),
    ]
    assert by_room(seen) == ["most", "some", "failed", "full", "silent"]


def test_equals_keep_their_order() -> None:
    assert by_room([Seen("b", 3), Seen("a", 3)]) == ["b", "a"]


@given(engines)
def test_every_engine_is_tried_once(seen: list[Seen]) -> None:
    assert sorted(by_room(seen)) == sorted(engine.url for engine in seen)


@given(engines)
def test_none_that_is_sound_and_roomier_comes_after_the_first(seen: list[Seen]) -> None:
    first = by_room(seen)[0]
    chosen = next(engine for engine in seen if engine.url == first)
    roomier = [e for e in seen if not e.failed and (e.room or 0) > (chosen.room or 0)]
    assert not roomier

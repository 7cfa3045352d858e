"""Silence is measured by one's own steady clock, whatever moments others write."""

from hypothesis import given
from hypothesis import strategies as st

from ledger.unchanged import Unchanged

PATIENCE = 60.0

LOOKS = st.lists(
    st.tuples(st.floats(0.01, 30.0), st.dictionaries(st.sampled_from("abc"), st.integers(0, 3))),
    max_size=40,
)
"""Seconds since the look before, and what is there."""


@given(LOOKS)
def test_what_is_silent_has_stood_as_it_is_in_every_look_for_longer_than_is_waited(
    looks: list[tuple[float, dict[str, int]]],
) -> None:
    signs, now, seen = Unchanged(PATIENCE), 0.0, list[tuple[float, dict[str, int]]]()
    for later, there in looks:
        now += later
        seen.append((now, there))
        silent = signs.look(there, now)
        for name, value in there.items():
            since = now
            for at, before in reversed(seen):
                if before.get(name) != value:
                    break
                since = at
            assert (name in silent) == (now - since > PATIENCE)
        assert silent <= there.keys()


def test_a_look_that_could_not_be_taken_begins_the_wait_anew() -> None:
    signs = Unchanged(PATIENCE)
    assert not signs.look({"a": 1}, 0.0)
    signs.forget()
    assert not signs.look({"a": 1}, PATIENCE + 1)
    assert signs.look({"a": 1}, 2 * PATIENCE + 2) == {"a"}

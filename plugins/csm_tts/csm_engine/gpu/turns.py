"""Which of a few host buffers a copy takes, when several copies are under way."""


class Turns:
    """`count` buffers, one after the other: a copy may be read until `count` more have begun."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._begun = 0

    def begin(self) -> int:
        """A new copy's turn."""
        self._begun += 1
        return self._begun - 1

    def buffer(self, turn: int) -> int:
        """The number of a turn's buffer. Raises LateError where a newer copy has it."""
        if self._begun - turn > self._count:
            raise LateError(
                f"{self._begun - turn - 1} copies of its shape were begun since this one, and"
                f" there are {self._count} buffers: read each before so many follow"
            )
        return turn % self._count


class LateError(RuntimeError):
    """A copy was read too late. A mistake of the program, not of its input."""

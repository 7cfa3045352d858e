"""Which numbers of calls at once are tried, to find the greatest that is carried. Pure."""

from dataclasses import dataclass, field


@dataclass
class Search:
    """From `first` doubling until one is not carried or `most` is, then halving what is between."""

    most: int
    first: int = 1
    carried: int = 0
    """The greatest number that was."""
    _refused: int | None = None
    _tried: list[int] = field(default_factory=list)

    def next(self) -> int | None:
        """The number to try now; None: `carried` is the answer."""
        if self._refused is None:
            if self.carried >= self.most:
                return None
            wanted = max(2 * self.carried, self.first)
            return min(wanted, self.most)
        if self._refused - self.carried <= 1:
            return None
        return (self._refused + self.carried) // 2

    def tell(self, calls: int, *, carried: bool) -> None:
        self._tried.append(calls)
        if carried:
            self.carried = max(self.carried, calls)
        else:
            self._refused = calls if self._refused is None else min(calls, self._refused)

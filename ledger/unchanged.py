"""Who has given no sign of life: told by one's own steady clock, not by the moments that others write."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field


@dataclass
class Unchanged:
    """Looks again and again at what others write, each time all of it; `now` is steady seconds.

    A wall clock that is put forward or back, here or on another machine, changes nothing: only how
    long a value has stood as it is counts, as far as it was looked at.
    """

    patience: float
    _since: dict[str, tuple[Hashable, float]] = field(default_factory=dict)

    def look(self, there: Mapping[str, Hashable], now: float) -> set[str]:
        """Those whose value has stood for longer than `patience`."""
        since = {}
        for name, value in there.items():
            known = self._since.get(name)
            since[name] = known if known and known[0] == value else (value, now)
        self._since = since
        return {name for name, (_, began) in since.items() if now - began > self.patience}

    def forget(self) -> None:
        """Others could not write, or could not be looked at: the wait begins anew."""
        self._since = {}

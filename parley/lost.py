"""When a part is lost: it has died, or is there and answers nobody. `Deaths` and `Silence` are pure."""

import asyncio
from collections import deque

from parley.part import Part

DEATHS = 3
DEATHS_WITHIN = 60.0

EVERY = 2.0
"""Seconds of pause before each question."""
ANSWER = 1.0
"""Seconds that a question takes at most: `parley.probes.PATIENCE`."""
LATE = 1.0
"""Seconds more, after which we were late ourselves."""
SPARED = 6.0
"""Times as long as another part is one given that holds what its death would end."""


class Deaths:
    """Counts a part's deaths, and says how long to wait before the next start."""

    def __init__(self, first_pause: float) -> None:
        self._first_pause = first_pause
        self._times: deque[float] = deque(maxlen=DEATHS)

    def count(self, now: float) -> float | None:
        """Seconds to wait before a restart; None when this was one death too many."""
        self._times.append(now)
        while now - self._times[0] >= DEATHS_WITHIN:
            self._times.popleft()
        recent = len(self._times)
        return None if recent == DEATHS else self._first_pause * 2.0 ** (recent - 1)


class Silence:
    """How long a part has not answered, by questions in a row.

    One that took longer than it may says that we were held up (a machine suspended, or too busy), and
    the part perhaps with us: nothing is known then, and the count begins anew.
    """

    def __init__(self) -> None:
        self.lasted = 0.0
        """Seconds."""

    def asked(self, *, answered: bool, took: float) -> None:
        """`took` seconds, the pause before the question counted."""
        late = took > EVERY + ANSWER + LATE
        self.lasted = 0.0 if answered or late else self.lasted + took


async def until_hung(part: Part, after: float) -> float:
    """Returns when a part that was up has not answered for `after` seconds; how many it were."""
    now = asyncio.get_running_loop().time
    silence = Silence()
    while silence.lasted < after or await _is_spared(part, silence.lasted, after):
        began = now()
        await asyncio.sleep(EVERY)
        answered = await (part.alive or part.answers)()
        silence.asked(answered=answered, took=now() - began)
    return silence.lasted


async def _is_spared(part: Part, lasted: float, after: float) -> bool:
    return part.spared is not None and lasted < SPARED * after and await part.spared()

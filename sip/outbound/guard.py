"""What a day allows: money, and calls to one number. What is counted stands in the ledger."""

import logging
from datetime import datetime, timedelta

from agent.call import Outcome
from sip.line import Line
from sip.outbound.policy import Refusal, Rule
from sip.outbound.queue import Dial, Queue
from sip.outbound.result import Result

logger = logging.getLogger(__name__)

DAY = timedelta(days=1)


def unplaced(refusal: Refusal | None) -> Result | None:
    """What comes of a call that is refused."""
    return Result(Outcome.FAILED, None, refusal.reason, placed=False) if refusal else None


class Guard:
    """Of one line. Its methods block, if there is a bound."""

    def __init__(self, line: Line, queue: Queue) -> None:
        self._rules = line.admission
        self._queue = queue
        self._was_spent = False

    def is_spent(self, now: datetime) -> bool:
        """Whoever waits is called tomorrow. It is said once a day."""
        spent = self._money(now) is not None
        if spent and not self._was_spent:
            logger.warning("nobody is called until midnight: the day's money is used up")
        self._was_spent = spent
        return spent

    def keeps_back(self, dial: Dial, now: datetime) -> Result | None:
        """What comes of a dial that has been claimed, if the number is called too often."""
        return unplaced(self._too_often(dial, now))

    def refuses(self, dial: Dial, now: datetime) -> Result | None:
        """The same for one that cannot wait for another day's money."""
        return unplaced(self._money(now) or self._too_often(dial, now))

    def _money(self, now: datetime) -> Refusal | None:
        """By whatever calls."""
        if (most := self._rules.money_per_day) is None:
            return None
        spent = self._queue.spent(self._rules.day_began(now), now)
        if self._rules.prices.of_day(spent) < most:
            return None
        return Refusal(
            Rule.MONEY,
            "the day's money is used up: raise admission.money_per_day of sip.yaml, or wait until "
            f"midnight ({self._rules.hours.timezone})",
            self._rules.day_ends(now),
        )

    def _too_often(self, dial: Dial, now: datetime) -> Refusal | None:
        """This attempt is among those that are counted."""
        most = self._rules.calls_per_day_to_number
        if most is None or self._queue.attempts_to(dial.order.to, now - DAY) <= most:
            return None
        return Refusal(
            Rule.TOO_OFTEN,
            f"the number has been called {most} times within a day: raise "
            "admission.calls_per_day_to_number of sip.yaml, or wait",
        )

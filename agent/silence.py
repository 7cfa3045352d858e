"""What is said into a caller's silence, and when it ends the call. Pure: `now` is passed in."""

from agent.limits import NEVER, Notice
from agent.persona.policies import MessagePlan


class Silence:
    """Counts from the end of the agent's speech while nobody speaks.

    One idle message after the other, the list again from its start, until all were said; then the
    last one. Words of the caller's start it afresh; a sound of theirs is worth the same time again.
    """

    def __init__(self, plan: MessagePlan) -> None:
        self._plan = plan
        self._since = NEVER
        self._said = 0

    @property
    def due(self) -> float:
        """When there is something to be said next."""
        return self._since + self._plan.idle_timeout_seconds

    def quiet(self, now: float) -> None:
        """Nobody speaks, and it is the caller's turn."""
        self._since = min(self._since, now)

    def afresh(self, now: float) -> None:
        """What silence there was until now does not count."""
        if self._since != NEVER:
            self._since = now

    def busy(self) -> None:
        """Somebody speaks, or the agent thinks."""
        self._since = NEVER

    def answered(self) -> None:
        """The caller said something."""
        self._said = 0

    def take(self, now: float) -> Notice | None:
        """What is due, once; its being said is expected to end the silence."""
        if now < self.due:
            return None
        self._since = now
        plan = self._plan
        if self._said >= plan.idle_message_max_spoken_count or not plan.idle_messages:
            return Notice(plan.silence_timeout_message, last=True)
        text = plan.idle_messages[self._said % len(plan.idle_messages)]
        self._said += 1
        return Notice(text)

"""How soon a session answers."""

from dataclasses import replace

from livekit.agents import AgentSession

from agent.barge_in.turns import Delays, Pace
from agent.persona.policies import StartSpeakingPlan


class Pacing:
    def __init__(self, session: AgentSession[None], plan: StartSpeakingPlan) -> None:
        self._session = session
        endpointing = session.options.endpointing
        usual = Delays(endpointing["min_delay"], endpointing["max_delay"])
        after = plan.max_wait_seconds_after_interruption
        self._pace = Pace(usual, usual.most / 2 if after is None else after)

    def change(self, *, hurried: bool | None = None, answers: bool | None = None) -> None:
        """What is not given stays."""
        old = self._pace
        self._pace = replace(
            old,
            hurried=old.hurried if hurried is None else hurried,
            answers=old.answers if answers is None else answers,
        )
        if (delays := self._pace.delays) != old.delays:
            self._session.update_options(
                endpointing_opts={"min_delay": delays.least, "max_delay": delays.most}
            )

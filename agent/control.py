"""What an operator asks of the agent in a call, by LiveKit's data messages."""

import logging

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice import SpeechHandle
from pydantic import BaseModel, ConfigDict, Field, ValidationError

logger = logging.getLogger(__name__)

TOPIC = "parley.control"

LONGEST = 1000
"""Characters."""

WAITING = 4
"""Texts that may wait for their turn; one more is dropped, and said so in the log."""


class Order(BaseModel):
    """One message, as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    say: str = Field(min_length=1, max_length=LONGEST)


class Control:
    """Says what the server's API sends. A message that a participant sends is nobody's order."""

    def __init__(self, session: AgentSession[None]) -> None:
        self._session = session
        self._waiting: set[SpeechHandle] = set()

    def obey(self, room: rtc.Room) -> None:
        """From now on."""
        room.on("data_received", self.take)

    def take(self, packet: rtc.DataPacket) -> None:
        if packet.topic != TOPIC:
            return
        if packet.participant is not None:
            logger.warning("an order that did not come from the server was dropped")
            return
        try:
            order = Order.model_validate_json(packet.data)
        except ValidationError:
            logger.warning("an order could not be read")
            return
        if len(self._waiting) >= WAITING:
            logger.warning("an order was dropped: too many wait", extra={"waiting": WAITING})
            return
        speech = self._session.say(order.say)
        self._waiting.add(speech)
        speech.add_done_callback(self._waiting.discard)

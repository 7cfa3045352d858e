"""What an operator asks of the agent in a call, by LiveKit's data messages."""

import logging
from collections.abc import Callable
from typing import Literal, Self

from livekit import rtc
from livekit.agents import AgentSession
from livekit.agents.voice import SpeechHandle
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

logger = logging.getLogger(__name__)

TOPIC = "parley.control"

LONGEST = 1000
"""Characters."""

WAITING = 4
"""Texts that may wait for their turn; one more is dropped, and said so in the log."""


class Order(BaseModel):
    """One message, as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    say: str | None = Field(None, min_length=1, max_length=LONGEST)
    stop_recording: Literal["keep", "discard"] | None = None
    """What becomes of what was recorded before."""

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.say is None) == (self.stop_recording is None):
            raise ValueError("an order is one thing to do")
        return self


class Control:
    """Does what the server's API sends. A message that a participant sends is nobody's order.

    `stop_recording` is told whether to discard what was recorded.
    """

    def __init__(
        self, session: AgentSession[None], stop_recording: Callable[[bool], object]
    ) -> None:
        self._session = session
        self._stop_recording = stop_recording
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
        if order.stop_recording:
            self._stop_recording(order.stop_recording == "discard")
        if order.say:
            self._say(order.say)

    def _say(self, text: str) -> None:
        if len(self._waiting) >= WAITING:
            logger.warning("an order was dropped: too many wait", extra={"waiting": WAITING})
            return
        speech = self._session.say(text)
        self._waiting.add(speech)
        speech.add_done_callback(self._waiting.discard)

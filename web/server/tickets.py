"""What lets a browser into a test room: a token of LiveKit's, good for one room and for a short time."""

import secrets
from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta

from livekit import api
from pydantic import SecretStr

from agent.call import CallRequest
from sip.reaper import TEST_PREFIX
from web.server.limits import Limiter

JOIN = timedelta(minutes=1)
"""To join; who is in stays in, and comes back."""

ON_THE_WAY = 10.0
"""Seconds for which who was given a ticket counts as there."""


@dataclass(frozen=True)
class Ticket:
    """`request` is what the agent is to be asked for."""

    url: str
    token: str
    room: str
    identity: str
    request: CallRequest


@dataclass(frozen=True)
class Tickets:
    """`url` is LiveKit's, as browsers call it; `most` how many test rooms there may be at once."""

    url: str
    key: str
    secret: SecretStr
    most: int = 4
    persona: str | None = None
    """The one that is offered first."""
    by_address: Limiter = field(default_factory=lambda: Limiter(rate=0.5, burst=20.0))
    in_all: Limiter = field(default_factory=lambda: Limiter(rate=1.0, burst=60.0))
    _given: deque[tuple[str, float]] = field(default_factory=lambda: deque(maxlen=256))

    def are_out(self, rooms: Collection[str], now: float) -> bool:
        """As many test rooms as may be are among `rooms`, or will be at once."""
        tests = {name for name in rooms if name.startswith(TEST_PREFIX)}
        coming = {name for name, at in self._given if now - at < ON_THE_WAY}
        return len(tests | coming) >= self.most

    def new(self, persona: str, variables: dict[str, str], now: float) -> Ticket:
        """For a room that there is not yet, nor an agent in it."""
        room = f"{TEST_PREFIX}{secrets.token_hex(6)}"
        identity = f"browser-{secrets.token_hex(4)}"
        request = CallRequest(
            direction="room", persona=persona, vars=variables, call_id=room, test=True
        )
        self._given.append((room, now))
        return Ticket(self.url, self._token(room, identity), room, identity, request)

    def _token(self, room: str, identity: str) -> str:
        grants = api.VideoGrants(
            room_join=True,
            room=room,
            can_publish=True,
            can_publish_sources=["microphone"],
            can_publish_data=True,  # keys of the keypad
            can_subscribe=True,
            can_update_own_metadata=False,
        )
        token = api.AccessToken(self.key, self.secret.get_secret_value())
        token.with_identity(identity).with_name("Browser").with_ttl(JOIN).with_grants(grants)
        return token.to_jwt()

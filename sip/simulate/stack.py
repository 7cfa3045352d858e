"""The running stack as a caller needs to know it, and what comes before a call."""

from dataclasses import dataclass

from livekit import api
from pydantic import SecretStr


@dataclass(frozen=True)
class Stack:
    """Where calls go and the keys that let them in."""

    livekit_url: str  # ws:// or http://
    api_key: str
    api_secret: SecretStr
    sip_host: str
    sip_port: int
    sip_username: str
    sip_password: SecretStr

    def client(self) -> api.LiveKitAPI:
        """Use it as `async with`; it holds an HTTP session."""
        return api.LiveKitAPI(self.livekit_url, self.api_key, self.api_secret.get_secret_value())

    def token(self, identity: str, grants: api.VideoGrants) -> str:
        return (
            api.AccessToken(self.api_key, self.api_secret.get_secret_value())
            .with_identity(identity)
            .with_grants(grants)
            .to_jwt()
        )

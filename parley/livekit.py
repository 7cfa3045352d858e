"""The client of a LiveKit server, with the keys of the settings."""

from livekit import api

from parley.settings import Settings


def livekit_at(url: str, settings: Settings, *, failover: bool = True) -> api.LiveKitAPI:
    """`failover`: on LiveKit Cloud, a request that failed is sent to up to two other regions."""
    return api.LiveKitAPI(
        url,
        settings.livekit_api_key,
        settings.livekit_api_secret.get_secret_value(),
        failover=failover,
    )

"""Whisper speech-to-text for LiveKit Agents, from an engine you host.

`whisper_stt.STT("http://127.0.0.1:8101", key="…")` goes where any LiveKit STT goes.
"""

from livekit.agents import Plugin
from livekit.plugins.whisper_stt.log import logger
from livekit.plugins.whisper_stt.stt import STT
from livekit.plugins.whisper_stt.version import __version__

__all__ = ["STT", "__version__"]


class WhisperPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


Plugin.register_plugin(WhisperPlugin())

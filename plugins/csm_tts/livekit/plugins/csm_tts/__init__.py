"""Sesame CSM speech for LiveKit Agents, from an engine you host.

`csm_tts.TTS("http://127.0.0.1:8102", key="…")` goes where any LiveKit TTS goes.
"""

from livekit.agents import Plugin
from livekit.plugins.csm_tts.log import logger
from livekit.plugins.csm_tts.tts import TTS
from livekit.plugins.csm_tts.version import __version__

__all__ = ["TTS", "__version__"]


class CSMPlugin(Plugin):
    def __init__(self) -> None:
        super().__init__(__name__, __version__, __package__ or __name__, logger)


Plugin.register_plugin(CSMPlugin())

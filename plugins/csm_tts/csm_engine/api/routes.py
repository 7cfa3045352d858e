"""The doors that speak HTTP."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from csm_engine.api.speech import Speech
from csm_engine.api.voices import Voices
from csm_engine.config import Settings
from csm_engine.speaker import Speaker
from parley_serving import Gate


def routes(speaker: Speaker, gate: Gate, settings: Settings) -> Sequence[BaseRoute]:
    speech = Speech(speaker, gate, settings.stall)
    voices = Voices(speaker.model, settings.voices, gate.draining)
    return (
        Route("/v1/audio/speech", speech.answer, methods=["POST"]),
        Route("/v1/audio/voices", voices.show, methods=["GET"]),
        Route("/v1/audio/voices", voices.add, methods=["POST"]),
    )

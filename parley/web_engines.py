"""Which engines the overview asks: those that the worker is told of."""

from collections.abc import Mapping

from pydantic import SecretStr

from parley.ports import Ports
from parley.probes import HOST
from parley.settings import Settings
from web.server.engines import Engine, HttpEngines


def engines_of(settings: Settings, ports: Ports, environment: Mapping[str, str]) -> HttpEngines:
    """As `parley.parts` tells the worker of them."""

    def named(side: str, usual: str) -> tuple[str, SecretStr | None]:
        if url := environment.get(f"AGENT_{side}__URL"):
            key = environment.get(f"AGENT_{side}__KEY")
            return url, SecretStr(key) if key else None
        return usual, settings.engine_key

    ears, ears_key = named("STT", f"http://{HOST}:{ports.whisper}")
    voice, voice_key = named("TTS", f"http://{HOST}:{ports.csm}")
    mind, mind_key = named("LLM", f"http://{HOST}:{ports.scripted}/v1")
    key = environment.get("AGENT_HEALTH_KEY")
    worker = Engine(
        "worker", f"http://{HOST}:{ports.worker}", "worker", SecretStr(key) if key else None
    )
    return HttpEngines(
        (
            worker,
            Engine("ears", ears, key=ears_key),
            Engine("mind", mind, "mind", mind_key),
            Engine("voice", voice, key=voice_key),
        )
    )

"""Which engines the overview asks: those that the worker is told of."""

from collections.abc import Mapping

from pydantic import SecretStr

from parley.ports import Ports
from parley.probes import HOST
from parley.settings import Settings
from parley.wires import scheme_of
from web.server.engines import Engine, Kind


def engines_of(
    settings: Settings, ports: Ports, environment: Mapping[str, str]
) -> tuple[Engine, ...]:
    """As `parley.parts` tells the worker of them."""

    def part(name: str, side: str, usual: str, kind: Kind = "engine") -> Engine:
        if url := environment.get(f"AGENT_{side}__URL"):
            return Engine(name, url, kind, _secret(environment, f"AGENT_{side}__KEY"))
        return Engine(name, usual, kind, settings.engine_key)

    scheme = scheme_of(settings)
    worker = f"http://{HOST}:{ports.worker}"
    return (
        Engine("worker", worker, "worker", _secret(environment, "AGENT_HEALTH_KEY")),
        part("ears", "STT", f"{scheme}://{HOST}:{ports.whisper}"),
        part("mind", "LLM", f"{scheme}://{HOST}:{ports.scripted}/v1", "mind"),
        part("voice", "TTS", f"{scheme}://{HOST}:{ports.csm}"),
    )


def _secret(environment: Mapping[str, str], name: str) -> SecretStr | None:
    value = environment.get(name)
    return SecretStr(value) if value else None

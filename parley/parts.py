"""The parts of Parley on one machine: their commands, order, settings and signs of life."""

import json
import signal
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from agent.persona import PersonaError, load_persona
from agent.yaml_file import BadFileError
from parley.part import Hook, Part, Probe
from parley.part_files import program, read_config, refuse_beyond_loopback
from parley.part_log import LineFilter, without_callers
from parley.phrases import write_phrases
from parley.ports import RTC_PORTS, RTP_PORTS, Ports
from parley.probes import HOST, http_answers, http_ok, redis_answers, redis_ping, sip_options
from parley.settings import ROOT, BadSettingsError, Settings
from parley.wires import Wires, wires_of
from parley_serving.telemetry import ENDPOINT

SCRIPTS = ROOT / "personas" / "scripts"
CALLS = ROOT / "tests" / "e2e" / "calls"

ELSEWHERE = {
    "whisper": "AGENT_STT__URL",
    "csm": "AGENT_TTS__URL",
    "scripted": "AGENT_LLM__URL",
}
"""The variable by which the worker is told to find a part elsewhere."""

PARTS = ("redis", "livekit-server", "livekit-sip", *ELSEWHERE, "worker")

PRIVATE = ("PARLEY_", "LIVEKIT_", "WHISPER_", "CSM_", "SCRIPTED_", "AGENT_", "SIP_", "TWILIO_")
"""Variables that only the part they are meant for gets to see."""


def build_parts(
    settings: Settings,
    ports: Ports,
    environment: Mapping[str, str],
    provision: Hook,
    root: Path = ROOT,
    *,
    without: Collection[str] = (),
    calls: Probe | None = None,
) -> list[Part]:
    """In the order of their starting. `provision` is awaited when LiveKit may have forgotten; `calls`
    says whether there are any. Those named in `without` need not be installed.

    `root` holds livekit.yaml and sip/bridge.yaml.

    An engine or model that the worker is told to find elsewhere is not started here.

    Raises:
        BadSettingsError: a program is missing, or a file or variable cannot be used.
    """
    plan = _Plan(settings, ports, environment, root, wires_of(settings, environment))
    builders: Mapping[str, Callable[[], Part]] = {
        "redis": partial(plan.redis, provision),
        "livekit-server": partial(plan.livekit, provision),
        "livekit-sip": plan.sip,
        "whisper": plan.whisper,
        "csm": plan.csm,
        "scripted": plan.scripted,
        "worker": partial(plan.worker, calls),
    }
    left_out = {*without, *(part for part, url in ELSEWHERE.items() if url in environment)}
    return [build() for name, build in builders.items() if name not in left_out]


def worker_part(settings: Settings, ports: Ports, environment: Mapping[str, str]) -> Part:
    """The worker alone. Raises BadSettingsError."""
    return _Plan(settings, ports, environment, ROOT, wires_of(settings, environment)).worker()


@dataclass(frozen=True)
class _Plan:
    settings: Settings
    ports: Ports
    environment: Mapping[str, str]
    root: Path
    wires: Wires

    def redis(self, provision: Hook) -> Part:
        data = self.settings.run_dir / "redis"
        data.mkdir(parents=True, exist_ok=True)
        options = {
            **self.wires.redis_server(self.ports.redis),
            "bind": HOST,
            "dir": str(data),
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
        }
        flags = [word for key, value in options.items() for word in (f"--{key}", value)]
        return Part(
            "redis",
            (program("redis-server"), *flags),
            self._environment({}),
            self.ports.redis,
            redis_ping(self.ports.redis, self.wires.client),
            alive=redis_answers(self.ports.redis, self.wires.client),
            restarted=provision,
        )

    def livekit(self, provision: Hook) -> Part:
        config = read_config(self.root / "livekit.yaml")
        refuse_beyond_loopback("livekit.yaml: bind_addresses", *config["bind_addresses"])
        config["port"] = self.ports.livekit
        config["rtc"]["udp_port"] = f"{self.ports.rtc}-{self.ports.rtc + RTC_PORTS - 1}"
        config["redis"] = self.wires.redis_at(f"{HOST}:{self.ports.redis}")
        key, secret = self._livekit_keys()
        config["keys"] = {key: secret}
        return Part(
            "livekit-server",
            (program("livekit-server"),),
            self._environment({"LIVEKIT_CONFIG": json.dumps(config)}),
            self.ports.livekit,
            http_ok(self.ports.livekit, "/"),
            alive=http_answers(self.ports.livekit, "/"),  # 406 while redis is away: its calls go on
            restarted=provision,
            log_filter=self._log_filter(),
        )

    def sip(self) -> Part:
        config = read_config(self.root / "sip" / "bridge.yaml")
        refuse_beyond_loopback("sip/bridge.yaml: listen_ip", config["listen_ip"])
        config["redis"] = self.wires.redis_at(f"{HOST}:{self.ports.redis}")
        config["ws_url"] = self.ports.livekit_url
        config["sip_port"] = self.ports.sip
        config |= self.wires.sip_at(self.ports.sips)
        config["rtp_port"] = f"{self.ports.rtp}-{self.ports.rtp + RTP_PORTS - 1}"
        config["api_key"], config["api_secret"] = self._livekit_keys()
        return Part(
            "livekit-sip",
            (program("livekit-sip"),),
            self._environment({"SIP_CONFIG_BODY": json.dumps(config)}),
            self.ports.sip,
            sip_options(self.ports.sip),
            stop_signal=signal.SIGINT,  # SIGTERM waits for calls; they have been hung up by then
            log_filter=self._log_filter(),
        )

    def whisper(self) -> Part:
        phrases = self.settings.run_dir / "phrases.txt"
        try:
            write_phrases(SCRIPTS, CALLS, phrases, self._script_played())
        except BadFileError as error:
            raise BadSettingsError(str(error)) from error
        part = self._server("whisper", ("whisper_engine", "serve"), self.ports.whisper)
        return part.with_defaults({"WHISPER_PHRASES": str(phrases)})

    def _script_played(self) -> str:
        """By the scripted model, which is called after it."""
        model = self.environment.get("AGENT_LLM__MODEL", "scripted-receptionist")
        return model.removeprefix("scripted-")

    def csm(self) -> Part:
        return self._server("csm", ("csm_engine", "serve"), self.ports.csm)

    def scripted(self) -> Part:
        part = self._server("scripted", ("parley.scripted",), self.ports.scripted)
        return part.with_defaults({"SCRIPTED_SCRIPTS": str(SCRIPTS)})

    def worker(self, calls: Probe | None = None) -> Part:
        self._check_persona()
        key, secret = self._livekit_keys()
        own = {
            "LIVEKIT_URL": self.ports.livekit_url,
            "LIVEKIT_API_KEY": key,
            "LIVEKIT_API_SECRET": secret,
            "AGENT_HEALTH_HOST": HOST,
            "AGENT_HEALTH_PORT": str(self.ports.worker),
            "AGENT_LEDGER": self.settings.ledger_url,
            "AGENT_LINE": str(self.settings.sip_file),
            "AGENT_RECORDINGS": str(self.settings.run_dir / "recordings"),
            **self.wires.trusted,
        }
        for side, url in {
            "STT": f"{self.wires.scheme}://{HOST}:{self.ports.whisper}",
            "TTS": f"{self.wires.scheme}://{HOST}:{self.ports.csm}",
            "LLM": f"{self.wires.scheme}://{HOST}:{self.ports.scripted}/v1",
        }.items():
            if f"AGENT_{side}__URL" not in self.environment:
                own[f"AGENT_{side}__URL"] = url
                own[f"AGENT_{side}__KEY"] = self.settings.engine_key.get_secret_value()
        return Part(
            "worker",
            (sys.executable, "-m", "agent", "start"),
            self._environment(own, "AGENT_"),
            self.ports.worker,
            http_ok(self.ports.worker, "/ready"),  # registered: an earlier call is never dispatched
            patience=60.0,
            alive=http_ok(self.ports.worker, "/health"),
            spared=calls,  # each is a process of its own, and goes on
        )

    def _server(self, name: str, module: tuple[str, ...], port: int) -> Part:
        prefix = f"{name.upper()}_"
        own = {
            f"{prefix}LISTEN__HOST": HOST,
            f"{prefix}LISTEN__PORT": str(port),
            f"{prefix}LISTEN__KEY": self.settings.engine_key.get_secret_value(),
            **self.wires.listening(prefix),
        }
        return Part(
            name,
            (sys.executable, "-m", *module),
            self._environment(own, prefix),
            port,
            http_ok(port, "/ready", self.wires.client),
            patience=900.0,  # a model may be downloaded first
            # A full one is not ready; a broken one says so here.
            alive=http_ok(port, "/health", self.wires.client),
        )

    def _check_persona(self) -> None:
        folder = Path(self.environment.get("AGENT_PERSONAS", "personas"))
        try:
            load_persona(ROOT / folder, self.settings.persona, self.environment)
        except PersonaError as error:
            raise BadSettingsError(f"PARLEY_PERSONA: {error}") from error

    def _log_filter(self) -> LineFilter | None:
        """For LiveKit's own servers, which name callers in most lines."""
        return None if self.settings.log_callers else without_callers

    def _livekit_keys(self) -> tuple[str, str]:
        return (
            self.settings.livekit_api_key,
            self.settings.livekit_api_secret.get_secret_value(),
        )

    def _environment(self, own: dict[str, str], prefix: str | None = None) -> dict[str, str]:
        """`own`, what the user sets with the part's `prefix`, and what is nobody's secret."""
        shared = {k: v for k, v in self.environment.items() if not k.startswith(PRIVATE)}
        given = {k: v for k, v in self.environment.items() if prefix and k.startswith(prefix)}
        if prefix and self.settings.otlp_url:
            shared[ENDPOINT] = self.settings.otlp_url
        if clash := sorted(own.keys() & given.keys()):
            raise BadSettingsError(f"{clash[0]} is chosen by `parley up`: unset it")
        return shared | {"PYTHONUNBUFFERED": "1"} | given | own

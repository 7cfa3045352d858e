"""What `parley up` prints once a call can come."""

from collections.abc import Mapping

from parley.ports import Ports
from parley.probes import HOST
from parley.settings import Settings
from parley.web_entry import address

REHEARSAL = {
    "WHISPER": "rehearsal (PocketSphinx; understands the script's phrases only)",
    "CSM": "rehearsal (espeak-ng; a robotic voice)",
}


def ready_block(settings: Settings, ports: Ports, environment: Mapping[str, str]) -> str:
    """The one place where the SIP password is shown: to whoever runs Parley, on their terminal."""
    return f"""
Parley is up.

  Talk      {address(settings, ports)}/  (in a browser on this machine)
  Dial      sip:{settings.number}@{HOST}:{ports.sip}  ({_ways(settings, ports)}, from this machine)
  User      {settings.sip_username}
  Password  {settings.sip_password.get_secret_value()}
  No phone  .venv/bin/parley simulate --say "what are your opening hours"

  Hears     {_engine("WHISPER", "STT", environment)}
  Thinks    {_model(environment)}
  Speaks    {_engine("CSM", "TTS", environment)}
  Choose    WHISPER_MODEL, AGENT_LLM__URL with AGENT_LLM__MODEL and AGENT_LLM__KEY, CSM_MODEL,
            in {settings.env_file}; then start again

  Logs      {settings.run_dir / "logs"}
  Stop      Ctrl-C: hangs up all calls, then stops every part
"""


def _ways(settings: Settings, ports: Ports) -> str:
    return f"UDP or TCP, or TLS at port {ports.sips}" if settings.tls else "UDP or TCP"


def _engine(prefix: str, side: str, environment: Mapping[str, str]) -> str:
    if elsewhere := environment.get(f"AGENT_{side}__URL"):
        return f"the engine at {elsewhere}"
    model = environment.get(f"{prefix}_MODEL", "rehearsal")
    return REHEARSAL[prefix] if model == "rehearsal" else model


def _model(environment: Mapping[str, str]) -> str:
    model = environment.get("AGENT_LLM__MODEL", "scripted-receptionist")
    if elsewhere := environment.get("AGENT_LLM__URL"):
        return f"{model} at {elsewhere}"
    return f"{model} (plays a script; answers nothing else)"

"""What the doctor is to look at, from the settings, sip.yaml and the running stack."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError

from agent.config import MindSettings
from agent.persona import Persona, PersonaError, load_persona
from agent.tools import declared
from agent.tools.kinds import Transfer
from parley.doctor import Asked
from parley.plan.flags import TRIED
from parley.ports import RTP_PORTS, Ports
from parley.probes import HOST, sip_options
from parley.settings import ROOT, BadSettingsError, Settings
from parley.sip_setup import refuse_open_secrets
from parley.wires import wires_of
from sip.changes import SideError
from sip.doctor.finding import Finding, Reporter
from sip.doctor.matching import IncomingCall
from sip.doctor.plan import Patient
from sip.doctor.servers import Server
from sip.line import Line
from sip.simulate.stack import Stack
from sip.twilio_networks import SIGNALLING
from sip.twilio_side import Account, Login
from sip.twilio_side.account import http_client
from sip.twilio_side.login import trunk_password

CALLER = "+15550190000"
"""Who calls in the replay, where sip.yaml does not say who may."""

TWILIO_PATIENCE = 3.0
"""Seconds for one answer."""

_START = "start it: `make run`"


class _PartFile(BaseModel):
    port: int


class _StackFile(BaseModel):
    """What `parley up` writes to stack.json, as far as the doctor needs it."""

    livekit_url: str
    sip_host: str
    sip_port: int
    parts: dict[str, _PartFile]


def settings_findings(
    report: Reporter, settings: Settings, environment: Mapping[str, str], line: Line | None
) -> list[Finding]:
    """Secrets by their names, who may read them, and what sip.yaml says."""
    found = [*_open_files(report, settings.env_file)]
    if line is None:
        found.append(report.ok("no sip.yaml: the local trunk alone"))
        return found
    found += [
        *_missing_secrets(report, environment, line),
        *_bad_personas(report, environment, line),
    ]
    return found or [report.ok(f"{line.title!r}: {len(line.numbers)} numbers, mode {line.mode}")]


def _open_files(report: Reporter, path: Path) -> Iterator[Finding]:
    try:
        refuse_open_secrets(path)
    except BadSettingsError as error:
        yield report.failed(str(error), "take that right away from them")


def _missing_secrets(
    report: Reporter, environment: Mapping[str, str], line: Line
) -> Iterator[Finding]:
    fix = "put it into .env, or into the environment"
    try:
        Login.from_secrets(environment)
    except SideError as error:
        yield report.failed(str(error), fix)
    try:
        trunk_password(environment, line.credentials.password)
    except SideError as error:
        yield report.failed(str(error), fix)


def _bad_personas(
    report: Reporter, environment: Mapping[str, str], line: Line
) -> Iterator[Finding]:
    for name in sorted({number.persona for number in line.numbers}):
        try:
            _persona(environment, name)
        except PersonaError as error:
            yield report.failed(str(error), "mend the persona, or name another one in sip.yaml")


def _persona(environment: Mapping[str, str], name: str) -> Persona:
    folder = ROOT / environment.get("AGENT_PERSONAS", "personas")
    return load_persona(folder, name, environment)


def patient_for(
    settings: Settings,
    environment: Mapping[str, str],
    line: Line | None,
    asked: Asked,
    folder: Path,
) -> Patient:
    """`folder` is that of sip.yaml. Raises `BadSettingsError`: stack.json, or a setting of the worker, cannot be used."""
    ports, running = Ports.chosen(settings.port_base), _running(settings.run_dir / "stack.json")
    stack = _stack(settings, environment, ports, line, running)
    call, persona = _call(settings, line, asked)
    mind = _mind(settings, environment, ports)
    return Patient(
        line=line,
        call=call,
        persona=persona,
        is_local=call.called == settings.number,
        stack=stack,
        answers=sip_options(stack.sip_port),
        rtp=_rtp(line, ports),
        worker=Server(_worker_url(environment, ports, running), _START),
        hearing=_engine(settings, environment, "STT", ports.whisper),
        speaking=_engine(settings, environment, "TTS", ports.csm),
        thinking=mind[0],
        model=mind[1],
        folder=folder,
        account=_account(environment, line),
        transfers=_transfers(environment, line),
        tried=TRIED,
    )


def _stack(
    settings: Settings,
    environment: Mapping[str, str],
    ports: Ports,
    line: Line | None,
    running: _StackFile | None,
) -> Stack:
    sip_port = line.bridge.sip_port if line else ports.sip
    livekit_url = running.livekit_url if running else ports.livekit_url
    return Stack(
        livekit_url=environment.get("LIVEKIT_URL", livekit_url),
        api_key=settings.livekit_api_key,
        api_secret=settings.livekit_api_secret,
        sip_host=running.sip_host if running else HOST,
        sip_port=running.sip_port if running else sip_port,
        sip_username=settings.sip_username,
        sip_password=settings.sip_password,
    )


def _call(settings: Settings, line: Line | None, asked: Asked) -> tuple[IncomingCall, str]:
    """The call, and who would answer it. Twilio's of the first number, or the local trunk's."""
    called = asked.to or (line.numbers[0].number if line else settings.number)
    number = next((each for each in line.numbers if each.number == called), None) if line else None
    callers = number.allowed_callers if number else ()
    source = HOST
    if line and called != settings.number:
        source = str(SIGNALLING[line.edge or "ashburn"][0])
    call = IncomingCall(called, asked.from_ or (*callers, CALLER)[0], asked.ip or source)
    return call, number.persona if number else settings.persona


def _running(path: Path) -> _StackFile | None:
    try:
        return _StackFile.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise BadSettingsError(f"{path} cannot be used: {error}") from None


def _rtp(line: Line | None, ports: Ports) -> range:
    if line is None:
        return range(ports.rtp, ports.rtp + RTP_PORTS)
    first, _, last = line.bridge.rtp_ports.partition("-")
    return range(int(first), int(last) + 1)


def _worker_url(environment: Mapping[str, str], ports: Ports, running: _StackFile | None) -> str:
    if running and "worker" in running.parts:
        return f"http://{HOST}:{running.parts['worker'].port}"
    host = environment.get("AGENT_HEALTH_HOST", HOST)
    return f"http://{host}:{environment.get('AGENT_HEALTH_PORT', ports.worker)}"


def _engine(settings: Settings, environment: Mapping[str, str], side: str, port: int) -> Server:
    """As the worker is told to find it."""
    wires = wires_of(settings, environment)
    if url := environment.get(f"AGENT_{side}__URL"):
        key = environment.get(f"AGENT_{side}__KEY")
        start = f"start it, or correct AGENT_{side}__URL"
        return Server(url.rstrip("/"), start, SecretStr(key) if key else None, wires.everybody)
    return Server(f"{wires.scheme}://{HOST}:{port}", _START, settings.engine_key, wires.client)


def _mind(settings: Settings, environment: Mapping[str, str], ports: Ports) -> tuple[Server, str]:
    """The endpoint, and the model that is asked of it."""
    model = environment.get("AGENT_LLM__MODEL", MindSettings().model)
    server = _engine(settings, environment, "LLM", ports.scripted)
    if "AGENT_LLM__URL" in environment:
        return server, model
    return replace(server, url=f"{server.url}/v1"), model


def _account(environment: Mapping[str, str], line: Line | None) -> Account | None:
    if line is None:
        return None
    http = http_client()
    http.timeout = TWILIO_PATIENCE  # a request cannot be cancelled, and holds up the end
    try:
        return Account(Login.from_secrets(environment), http)
    except SideError:
        return None  # `settings_findings` says why


def _transfers(environment: Mapping[str, str], line: Line | None) -> tuple[str, ...]:
    """Where personas of the line hand callers to."""
    found = list[str]()
    for name in sorted({number.persona for number in line.numbers} if line else ()):
        try:
            persona = _persona(environment, name)
        except PersonaError:
            continue  # `settings_findings` says why
        tools = (each for each in declared.parse(persona.tools) if isinstance(each, Transfer))
        named = {key: number for tool in tools for key, number in tool.transfers.items()}
        found += named.values()
        if (last := persona.failure_plan.transfer_to) and last not in named:
            found.append(last)
    return tuple(found)

"""What is to be looked at, from settings and sip.yaml, and what is wrong with these themselves."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from parley.cli import app
from parley.doctor import Asked
from parley.patient import patient_for, settings_findings
from parley.probes import sip_options
from parley.settings import BadSettingsError, Settings
from sip.doctor.examine import examine
from sip.doctor.finding import Finding, Reporter, Verdict
from sip.doctor.matching import IncomingCall
from sip.doctor.plan import checks_for, number_format
from sip.line import Line
from tests.stack import free_block

REPORT = Reporter("settings")
OURS, SECOND, CALLER = "+14155550100", "+14155550101", "+14155550111"
TWILIO = {
    "TWILIO_ACCOUNT_SID": f"AC{'a' * 32}",
    "TWILIO_AUTH_TOKEN": "t" * 32,
    "PARLEY_TRUNK_PASSWORD": "Correct-Horse-77",
}
LINE = Line.model_validate(
    {
        "public_host": "sip.example.com",
        "domain": "acme",
        "edge": "dublin",
        "numbers": [
            {"number": OURS, "persona": "receptionist"},
            {"number": SECOND, "persona": "support", "allowed_callers": [CALLER]},
        ],
    }
)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "env").touch(mode=0o600)
    return {
        "PARLEY_ENV_FILE": str(tmp_path / "env"),
        "PARLEY_RUN_DIR": str(tmp_path),
        "PARLEY_SIP_FILE": str(tmp_path / "sip.yaml"),
        "PARLEY_SIP_USERNAME": "caller",
        "PARLEY_SIP_PASSWORD": "p" * 12,
        "PARLEY_ENGINE_KEY": "k" * 16,
        "LIVEKIT_API_KEY": "APItest",
        "LIVEKIT_API_SECRET": "s" * 32,
    }


def said(environment: dict[str, str], line: Line | None) -> list[Finding]:
    return settings_findings(REPORT, Settings.load(environment), environment, line)


def replayed(environment: dict[str, str], line: Line | None, asked: Asked) -> IncomingCall:
    settings = Settings.load(environment)
    return patient_for(settings, environment, line, asked, Path()).call


@pytest.mark.parametrize(
    ("asked", "called", "calling", "source"),
    [
        (Asked(), OURS, "+15550190000", "54.171.127.192"),
        (Asked(to=SECOND), SECOND, CALLER, "54.171.127.192"),
        (Asked(to=SECOND, from_="+1", ip="192.0.2.1"), SECOND, "+1", "192.0.2.1"),
        (Asked(to="+15550100"), "+15550100", "+15550190000", "127.0.0.1"),
    ],
)
def test_the_call_that_is_replayed(
    environment: dict[str, str], asked: Asked, called: str, calling: str, source: str
) -> None:
    assert replayed(environment, LINE, asked) == IncomingCall(called, calling, source)


def test_without_a_line_it_is_the_local_trunk(environment: dict[str, str]) -> None:
    call = replayed(environment, None, Asked())
    assert (call.called, call.source_ip) == ("+15550100", "127.0.0.1")


def test_engines_are_asked_where_the_worker_finds_them(environment: dict[str, str]) -> None:
    environment |= {
        "AGENT_STT__URL": "http://gpu.example.com:8101/",
        "AGENT_LLM__URL": "http://gpu.example.com:8000/v1",
        "AGENT_LLM__MODEL": "gemma",
        "AGENT_LLM__KEY": "hush-hush",
    }
    patient = patient_for(Settings.load(environment), environment, None, Asked(), Path())
    assert patient.hearing.url == "http://gpu.example.com:8101"
    assert patient.hearing.key is None
    assert patient.thinking.url == "http://gpu.example.com:8000/v1"
    assert patient.model == "gemma"
    assert patient.speaking.url == "http://127.0.0.1:8102"
    assert "hush-hush" not in repr(patient)


def test_a_running_stack_is_found(environment: dict[str, str], tmp_path: Path) -> None:
    facts = {
        "livekit_url": "ws://127.0.0.1:1",
        "sip_host": "127.0.0.1",
        "sip_port": 2,
        "parts": {"worker": {"port": 3, "pid": 4}},
    }
    (tmp_path / "stack.json").write_text(json.dumps(facts))
    patient = patient_for(Settings.load(environment), environment, None, Asked(), Path())
    assert (patient.stack.livekit_url, patient.stack.sip_port) == ("ws://127.0.0.1:1", 2)
    assert patient.worker.url == "http://127.0.0.1:3"
    (tmp_path / "stack.json").write_text("{")
    with pytest.raises(BadSettingsError, match=r"stack\.json cannot be used"):
        patient_for(Settings.load(environment), environment, None, Asked(), Path())


def test_all_secrets_are_there(environment: dict[str, str]) -> None:
    line = LINE.model_copy(update={"numbers": LINE.numbers[:1]})
    (found,) = said(environment | TWILIO, line)
    assert found.verdict is Verdict.OK


@pytest.mark.parametrize("missing", TWILIO)
def test_a_missing_secret_is_named(environment: dict[str, str], missing: str) -> None:
    line = LINE.model_copy(update={"numbers": LINE.numbers[:1]})
    left = {name: value for name, value in TWILIO.items() if name != missing}
    (found,) = said(environment | left, line)
    assert found.verdict is Verdict.FAILED
    assert missing in found.says


def test_an_unknown_persona_is_named(environment: dict[str, str]) -> None:
    numbers = [{"number": OURS, "persona": "nobody"}]
    line = Line.model_validate({"public_host": "a.example", "domain": "a", "numbers": numbers})
    (found,) = said(environment | TWILIO, line)
    assert found.verdict is Verdict.FAILED
    assert "no such persona" in found.says


def test_secrets_that_others_may_read(environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "env").chmod(0o644)
    found = said(environment, None)
    assert found[0].verdict is Verdict.FAILED
    assert "chmod 600" in found[0].says


@pytest.mark.parametrize(("number", "verdict"), [(OURS, Verdict.OK), ("+14155550", Verdict.FAILED)])
def test_the_format_of_numbers(number: str, verdict: Verdict) -> None:
    (found,) = number_format(REPORT, [number])
    assert found.verdict is verdict


async def test_where_nothing_runs_all_is_told_in_the_order_of_a_call(
    environment: dict[str, str], tmp_path: Path
) -> None:
    """On ports that nobody listens on, and without a certificate."""
    line = Line.model_validate(
        {
            "public_host": "127.0.0.1",
            "domain": "acme",
            "transport": "tls",
            "bridge": {"certificate": "cert.pem", "key": "key.pem", "rtp_ports": "10000-10009"},
            "numbers": [{"number": OURS, "persona": "receptionist"}],
        }
    )
    base = free_block()
    environment["PARLEY_PORT_BASE"] = str(base)
    settings = Settings.load(environment)
    patient = patient_for(settings, environment, line, Asked(), tmp_path)
    patient = replace(patient, stun_servers=(), answers=sip_options(base))
    async with patient.stack.client() as client:
        found = await examine(checks_for(patient, client))
    assert {each.check: each.verdict for each in found.findings} == {
        "numbers": Verdict.OK,
        "Twilio": Verdict.SKIPPED,
        "addresses": Verdict.WARNING,
        "certificate": Verdict.FAILED,
        "TLS": Verdict.SKIPPED,
        "SIP port": Verdict.FAILED,
        "RTP ports": Verdict.OK,
        "LiveKit": Verdict.FAILED,
        "doors": Verdict.SKIPPED,
        "trunk": Verdict.SKIPPED,
        "rule": Verdict.SKIPPED,
        "worker": Verdict.SKIPPED,
        "hearing": Verdict.FAILED,
        "thinking": Verdict.FAILED,
        "speaking": Verdict.FAILED,
        "versions": Verdict.SKIPPED,
        "call": Verdict.SKIPPED,
    }
    assert str(tmp_path / "cert.pem") in found.page()
    assert all(each.fix for each in found.findings if each.verdict is Verdict.FAILED)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("version: 1\nnumbers: [", "sip.yaml"), ("domain: acme\n", "public_host")],
)
def test_a_bad_sip_yaml_is_the_first_trouble(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    text: str,
    complaint: str,
) -> None:
    (tmp_path / "sip.yaml").write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    result = CliRunner().invoke(app, ["sip", "doctor", "--json"])
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["trouble"] == "settings"
    assert complaint in told["findings"][0]["says"]


def test_a_bad_address_is_refused() -> None:
    result = CliRunner().invoke(app, ["sip", "doctor", "--ip", "somewhere"])
    assert result.exit_code == 2
    assert "192.0.2.1" in result.stderr

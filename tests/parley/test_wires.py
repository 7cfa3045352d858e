"""TLS by one setting: what the folder must hold, what each part is told, what may not stay in the clear."""

import itertools
import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509

from parley.part import Part
from parley.parts import build_parts
from parley.ports import Ports
from parley.settings import ROOT, BadSettingsError, Settings
from parley.wires import PLAIN, Wires, wires_of
from sip.bridge import render
from sip.line import Line
from tests.fakes.authority import NOW, Authority
from tests.parley.test_settings import GOOD

LINE = """
public_host: sip.example.com
domain: acme
numbers: [{number: "+15550100", persona: receptionist}]
bridge: {public_ip: 127.0.0.1, certificate: cert.pem, key: key.pem}
"""


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.made()


@pytest.fixture
def folder(authority: Authority, tmp_path: Path) -> Path:
    return authority.folder(tmp_path / "tls")


def environment_of(folder: Path, **extra: str) -> Mapping[str, str]:
    beside = folder.parent
    own = {
        "PARLEY_RUN_DIR": str(beside / "run"),
        "PARLEY_SIP_FILE": str(beside / "sip.yaml"),
        "PARLEY_TLS": str(folder),
    }
    return {**GOOD, **own, **extra}


def wires(folder: Path, **extra: str) -> Wires:
    environment = environment_of(folder, **extra)
    return wires_of(Settings.load(environment), environment)


def parts_of(folder: Path) -> dict[str, Part]:
    async def nothing() -> None:
        """LiveKit has nothing to be told."""

    environment = environment_of(folder)
    settings = Settings.load(environment)
    settings.run_dir.mkdir()
    parts = build_parts(settings, Ports.block(20_000), environment, nothing, ROOT)
    return {part.name: part for part in parts}


def test_without_the_setting_all_is_plain(tmp_path: Path) -> None:
    assert wires_of(Settings.load(GOOD), GOOD) is PLAIN
    assert PLAIN.scheme == "http"
    assert PLAIN.client is None


def test_a_good_folder_is_trusted_and_so_are_public_authorities(folder: Path) -> None:
    files = wires(folder).files
    assert files
    both = ssl.create_default_context(cafile=files.trusted).cert_store_stats()["x509_ca"]
    assert both > 1
    assert (folder / "ca.pem").read_bytes() in files.trusted.read_bytes()


@pytest.mark.parametrize("name", ["cert.pem", "key.pem", "ca.pem"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(BadSettingsError, match=rf"{name} is missing .* cert\.pem, key\.pem, ca"):
        wires(folder)


@pytest.mark.parametrize("mode", [0o640, 0o604])
def test_a_key_that_others_may_read_is_refused(folder: Path, mode: int) -> None:
    (folder / "key.pem").chmod(mode)
    with pytest.raises(BadSettingsError, match=r"key\.pem can be read by others: chmod 600"):
        wires(folder)


def test_a_certificate_that_has_ended_is_refused(authority: Authority, tmp_path: Path) -> None:
    folder = authority.folder(tmp_path / "tls", ends=NOW - timedelta(days=1))
    with pytest.raises(BadSettingsError, match=r"cert\.pem is no good \(certificate has expired\)"):
        wires(folder)


def test_a_certificate_of_another_name_is_refused(authority: Authority, tmp_path: Path) -> None:
    folder = authority.folder(tmp_path / "tls", names=(x509.DNSName("calls.example.com"),))
    with pytest.raises(BadSettingsError, match=r"not valid for '127\.0\.0\.1'.*among its names"):
        wires(folder)


def test_a_certificate_of_another_authority_is_refused(folder: Path) -> None:
    other = Authority.made().folder(folder.parent / "other")
    shutil.copy(other / "ca.pem", folder)
    with pytest.raises(BadSettingsError, match="issuer certificate"):
        wires(folder)


def test_a_key_of_another_certificate_is_refused(folder: Path) -> None:
    other = Authority.made().folder(folder.parent / "other")
    os.replace(other / "key.pem", folder / "key.pem")
    with pytest.raises(BadSettingsError, match="KEY_VALUES_MISMATCH"):
        wires(folder)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("AGENT_STT__URL", "http://gpu.example:8101"),
        ("AGENT_LLM__URL", "http://10.0.0.7/v1"),
        ("PARLEY_WEB_LIVEKIT_URL", "ws://livekit.example"),
        ("PARLEY_OTLP_URL", "http://collector.example:4318"),
    ],
)
def test_an_address_in_the_clear_is_refused(folder: Path, name: str, url: str) -> None:
    with pytest.raises(BadSettingsError, match=rf"{name} calls .* in the clear: use (http|ws)s://"):
        wires(folder, **{name: url})
    wires(folder, **{name: url.replace("://", "s://")})


def test_on_this_machine_what_has_no_tls_may_be_called(folder: Path) -> None:
    assert wires(folder, LIVEKIT_URL="ws://127.0.0.1:7880").files


def test_a_database_elsewhere_must_prove_who_it_is(folder: Path) -> None:
    url = "postgresql://parley:secret@db.example/parley"
    with pytest.raises(BadSettingsError, match=r"\?sslmode=verify-full") as refused:
        wires(folder, PARLEY_LEDGER=url)
    assert "secret" not in str(refused.value)
    assert wires(folder, PARLEY_LEDGER=f"{url}?sslmode=verify-full").files


def test_a_line_whose_calls_are_open_is_refused(folder: Path) -> None:
    file = folder.parent / "sip.yaml"
    file.write_text(LINE)
    with pytest.raises(BadSettingsError, match=r"sip\.yaml are open: set transport: tls and sec"):
        wires(folder)
    file.write_text(f"{LINE}transport: tls\nsecure: true\n")
    assert wires(folder).files


def test_each_part_is_told_to_speak_tls(folder: Path) -> None:
    parts = parts_of(folder)
    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    for name in ("whisper", "csm", "scripted"):
        told = parts[name].environment
        assert told[f"{name.upper()}_LISTEN__CERTIFICATE"] == certificate
        assert told[f"{name.upper()}_LISTEN__PRIVATE_KEY"] == key
    worker = parts["worker"].environment
    for side in ("STT", "TTS", "LLM"):
        assert worker[f"AGENT_{side}__URL"].startswith("https://127.0.0.1:")
    assert worker["SSL_CERT_FILE"] == str(folder.parent / "run" / "trusted.pem")
    assert ("--tls-port", "20000") in pairs(parts["redis"].command)
    assert ("--port", "0") in pairs(parts["redis"].command)
    trusts = {"enabled": True, "ca_cert_file": str(folder / "ca.pem")}
    livekit = json.loads(parts["livekit-server"].environment["LIVEKIT_CONFIG"])
    bridge = json.loads(parts["livekit-sip"].environment["SIP_CONFIG_BODY"])
    assert livekit["redis"]["tls"] == bridge["redis"]["tls"] == trusts
    assert bridge["tls"]["certs"] == [{"cert_file": certificate, "key_file": key}]


def test_a_bridge_by_itself_is_told_whose_redis_it_trusts(folder: Path) -> None:
    (folder.parent / "sip.yaml").write_text(f"{LINE}transport: tls\nsecure: true\n")
    text = render(
        Line.read(folder.parent / "sip.yaml"),
        livekit_url="wss://livekit.example",
        redis=wires(folder).redis_at("10.0.0.5:6379"),
        folder=folder,
    )
    trusts = {"enabled": True, "ca_cert_file": str(folder / "ca.pem")}
    assert yaml.safe_load(text)["redis"] == {"address": "10.0.0.5:6379", "tls": trusts}


def test_no_key_is_anybodys_variable(folder: Path) -> None:
    key = (folder / "key.pem").read_text()
    for part in parts_of(folder).values():
        assert not any(key in value for value in part.environment.values())


def pairs(command: tuple[str, ...]) -> list[tuple[str, str]]:
    return list(itertools.pairwise(command))


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_what_the_documentation_says_makes_a_good_folder(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "security.md").read_text()
    block = page.partition("```sh\numask")[2].partition("```")[0]
    folder = tmp_path / "tls"
    folder.mkdir()
    subprocess.run(["sh", "-ec", f"umask{block}"], cwd=folder, check=True, capture_output=True)
    assert wires(folder).files

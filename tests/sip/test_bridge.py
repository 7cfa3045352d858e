"""livekit-sip's file and the firewall's rules."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from parley.settings import ROOT
from sip import firewall
from sip.bridge import MINE, BridgeFile, render
from sip.changes import SideError, apply
from sip.line import Line

TLS = {"certificate": "cert.pem", "key": "/etc/parley/key.pem"}


def line(**given: Any) -> Line:
    numbers = [{"number": "+15550111", "persona": "receptionist"}]
    return Line.model_validate(
        {"public_host": "sip.example.com", "domain": "acme", "numbers": numbers} | given
    )


def text(line: Line) -> str:
    return render(
        line, livekit_url="ws://127.0.0.1:7880", redis="127.0.0.1:6390", folder=Path("/p")
    )


def config(**bridge: Any) -> dict[str, Any]:
    whole: dict[str, Any] = yaml.safe_load(text(line(bridge=bridge)))
    return whole


async def made(file: BridgeFile) -> list[str]:
    return [change.action async for change in apply(await file.plan())]


def test_the_public_address_is_asked_for_or_given_and_never_both() -> None:
    assert config()["use_external_ip"] is True
    assert "nat_1_to_1_ip" not in config()
    given = config(public_ip="192.0.2.10")
    assert (given["use_external_ip"], given["nat_1_to_1_ip"]) == (False, "192.0.2.10")


def test_ports_and_times_are_the_line_s() -> None:
    got = config(sip_port=5070, rtp_ports="20000-20999", media_timeout_seconds=60)
    assert (got["sip_port"], got["rtp_port"], got["media_timeout"]) == (5070, "20000-20999", "60s")
    assert got["hide_inbound_port"] is True
    assert config(hide_inbound_port=False)["hide_inbound_port"] is False


def test_packets_that_overtake_are_put_in_order_as_on_this_machine() -> None:
    here = yaml.safe_load((ROOT / "sip" / "bridge.yaml").read_text())
    assert here["enable_jitter_buffer"] is config()["enable_jitter_buffer"] is True


def test_tls_is_spoken_where_there_is_a_certificate() -> None:
    assert "tls" not in config()
    assert config(**TLS)["tls"] == {
        "port": 5061,
        "certs": [{"cert_file": "/p/cert.pem", "key_file": "/etc/parley/key.pem"}],
    }


def test_calls_are_not_refused_for_a_busy_processor() -> None:
    assert config()["max_cpu_utilization"] == 1


def test_no_key_stands_in_the_file() -> None:
    assert {"api_key", "api_secret"}.isdisjoint(config())


async def test_the_file_is_written_once_and_only_if_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    assert await made(BridgeFile(path, text(line()))) == ["create"]
    assert path.read_text() == text(line())
    assert await made(BridgeFile(path, text(line()))) == []
    other = text(line(bridge={"sip_port": 5070}))
    (change,) = await BridgeFile(path, other).plan()
    assert change.fields == {"sip_port": ("5060", "5070")}
    assert await made(BridgeFile(path, other)) == ["update"]
    assert os.listdir(tmp_path) == ["bridge.yaml"]


async def test_a_file_of_somebody_else_is_neither_written_over_nor_removed(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text("sip_port: 5060\n")
    file = BridgeFile(path, text(line()))
    with pytest.raises(SideError, match="was not made by `parley sip apply`"):
        await file.plan()
    assert await file.plan_destroy() == []


async def test_our_file_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "bridge.yaml"
    path.write_text(f"{MINE}, of another day\n")
    async for _ in apply(await BridgeFile(path, "").plan_destroy()):
        pass
    assert not path.exists()
    assert await BridgeFile(path, "").plan_destroy() == []


async def test_a_folder_that_takes_no_file_is_named(tmp_path: Path) -> None:
    (change,) = await BridgeFile(tmp_path / "none" / "bridge.yaml", "x").plan()
    with pytest.raises(SideError, match="cannot be written"):
        await change.apply()


def test_twilio_reaches_sip_by_its_signalling_and_rtp_by_its_media() -> None:
    sip, rtp = firewall.openings(line())
    assert (sip.protocol, sip.ports, len(sip.sources)) == ("tcp", "5060", 8)
    assert (rtp.protocol, rtp.ports, rtp.sources) == ("udp", "10000-19999", ["168.86.128.0/18"])


@pytest.mark.parametrize(
    ("transport", "opened"), [("udp", ("udp", "5060")), ("tls", ("tcp", "5061"))]
)
def test_only_the_port_of_the_transport_is_opened(transport: str, opened: tuple[str, str]) -> None:
    sip, _ = firewall.openings(line(transport=transport, bridge=TLS))
    assert (sip.protocol, sip.ports) == opened


def test_nftables_lets_twilio_in_before_it_closes_the_ports() -> None:
    rules = firewall.render(line(name="my-line"), "nftables").splitlines()
    accepted = [index for index, rule in enumerate(rules) if rule.endswith("accept")]
    dropped = [index for index, rule in enumerate(rules) if rule.endswith("drop")]
    assert "table inet parley_my_line {" in rules
    assert len(dropped) == 2
    assert max(accepted) < min(dropped)
    assert any("udp dport { 5060, 10000-19999 } drop" in rule for rule in rules)


def test_ufw_gets_a_line_a_network() -> None:
    lines = firewall.render(line(), "ufw").splitlines()
    assert len(lines) == 9
    assert lines[-1] == (
        "ufw allow proto udp from 168.86.128.0/18 to any port 10000:19999 comment 'parley main'"
    )


def test_the_example_is_a_line() -> None:
    example = Line.read(ROOT / "sip.example.yaml")
    assert {number.persona for number in example.numbers} == {"receptionist"}


def test_what_the_example_comments_out_is_a_line_too(tmp_path: Path) -> None:
    text = (ROOT / "sip.example.yaml").read_text()
    whole = re.sub(r"^( *)# (?= *(- |[a-z_]+:))", r"\1", text, flags=re.MULTILINE)
    file = tmp_path / "sip.yaml"
    file.write_text(whole)
    example = Line.read(file)
    assert example.spend is not None
    assert example.outbound.hours is not None

"""The table of parts: ports, who sees which secret, what is left out, what is refused."""

import asyncio
import dataclasses
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from parley.part import Part
from parley.parts import PARTS, build_parts
from parley.ports import SIP_TRIES, Ports
from parley.probes import HOST, http_ok, is_free, redis_ping, sip_options
from parley.ready import ready_block
from parley.settings import ROOT, BadSettingsError, Settings
from tests.parley.test_settings import GOOD

BLOCK = Ports.block(20_000)
ALL = ["redis", "livekit-server", "livekit-sip", "whisper", "csm", "scripted", "worker"]


async def nothing() -> None:
    """LiveKit has nothing to be told."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A checkout's two configurations, to be changed by a test."""
    (tmp_path / "sip").mkdir()
    shutil.copy(ROOT / "livekit.yaml", tmp_path)
    shutil.copy(ROOT / "sip" / "bridge.yaml", tmp_path / "sip")
    return tmp_path


async def there_are_calls() -> bool:
    return True


def build(root: Path, ports: Ports = BLOCK, /, **extra: str) -> list[Part]:
    environment = {**GOOD, "PARLEY_RUN_DIR": str(root / "run"), **extra}
    settings = Settings.load(environment)
    settings.run_dir.mkdir(exist_ok=True)
    return build_parts(settings, ports, environment, nothing, root, calls=there_are_calls)


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as holder:
        holder.bind((HOST, 0))
        holder.listen()
        yield holder.getsockname()[1]


def test_all_parts_in_order(root: Path) -> None:
    assert [part.name for part in build(root)] == ALL


@pytest.mark.parametrize(
    ("side", "part"), [("STT", "whisper"), ("TTS", "csm"), ("LLM", "scripted")]
)
def test_what_is_used_elsewhere_is_not_started_here(root: Path, side: str, part: str) -> None:
    parts = build(root, **{f"AGENT_{side}__URL": "https://elsewhere.example"})
    assert [each.name for each in parts] == [name for name in ALL if name != part]
    worker = parts[-1].environment
    assert worker[f"AGENT_{side}__URL"] == "https://elsewhere.example"
    assert f"AGENT_{side}__KEY" not in worker


def test_what_is_left_out_is_not_looked_for(root: Path) -> None:
    (root / "livekit.yaml").unlink()
    (root / "sip" / "bridge.yaml").unlink()
    settings = Settings.load({**GOOD, "PARLEY_RUN_DIR": str(root)})
    parts = build_parts(settings, Ports.block(20_000), GOOD, nothing, root, without=PARTS[:-1])
    assert [part.name for part in parts] == ["worker"]


def test_a_secret_reaches_only_the_parts_that_need_it(root: Path) -> None:
    parts = {part.name: part for part in build(root, TWILIO_AUTH_TOKEN="t" * 32)}

    def holders(secret: str) -> set[str]:
        return {n for n, p in parts.items() if any(secret in v for v in p.environment.values())}

    assert holders(GOOD["LIVEKIT_API_SECRET"]) == {"livekit-server", "livekit-sip", "worker"}
    assert holders(GOOD["PARLEY_ENGINE_KEY"]) == {"whisper", "csm", "scripted", "worker"}
    assert holders(GOOD["PARLEY_SIP_PASSWORD"]) == set()
    assert holders("t" * 32) == set()


def test_no_secret_stands_in_a_command_line(root: Path) -> None:
    words = " ".join(word for part in build(root) for word in part.command)
    assert not any(value in words for name, value in GOOD.items() if name.endswith("SECRET"))
    assert GOOD["PARLEY_ENGINE_KEY"] not in words


def test_a_users_setting_reaches_its_engine_alone(root: Path) -> None:
    parts = {part.name: part.environment for part in build(root, CSM_MODEL="sesame")}
    assert parts["csm"]["CSM_MODEL"] == "sesame"
    assert [name for name, it in parts.items() if "CSM_MODEL" in it] == ["csm"]


def test_a_variable_that_parley_chooses_is_refused(root: Path) -> None:
    with pytest.raises(BadSettingsError, match="WHISPER_LISTEN__HOST is chosen by"):
        build(root, WHISPER_LISTEN__HOST="0.0.0.0")


def test_a_persona_that_nobody_wrote_is_refused(root: Path) -> None:
    with pytest.raises(BadSettingsError, match=r"PARLEY_PERSONA: .*nobody\.yaml: no such persona"):
        build(root, PARLEY_PERSONA="nobody")


@pytest.mark.parametrize(
    ("file", "key"), [("livekit.yaml", "bind_addresses"), ("sip/bridge.yaml", "listen_ip")]
)
def test_listening_beyond_loopback_is_refused(root: Path, file: str, key: str) -> None:
    path = root / file
    path.write_text(path.read_text().replace("127.0.0.1", "0.0.0.0"))
    with pytest.raises(BadSettingsError, match=rf"{file}: {key} is 0\.0\.0\.0"):
        build(root)


@pytest.mark.parametrize("content", ["port: [", "- a list"])
def test_a_configuration_that_cannot_be_read_is_named(root: Path, content: str) -> None:
    (root / "livekit.yaml").write_text(content)
    with pytest.raises(BadSettingsError, match=r"livekit\.yaml"):
        build(root)


def test_a_taken_port_is_named_with_the_part_that_needs_it(taken: int) -> None:
    with pytest.raises(BadSettingsError, match=f"TCP port {taken}, which whisper needs, is taken"):
        Ports.block(21_000).check([("whisper", taken)])


def test_a_port_of_a_server_that_runs_elsewhere_may_be_taken() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as its:
        its.bind((HOST, 0))
        ports = dataclasses.replace(Ports(), rtc=its.getsockname()[1])
        ports.check([])
        with pytest.raises(BadSettingsError, match=f"UDP port {ports.rtc}, which livekit-server"):
            ports.check([("livekit-server", 0)])


def test_sip_moves_to_the_next_free_port(taken: int) -> None:
    moved = Ports(sip=taken).with_free_sip()
    assert taken < moved.sip < taken + SIP_TRIES
    assert is_free(moved.sip, socket.SOCK_DGRAM)


async def test_the_probes_say_no_where_nobody_listens() -> None:
    with socket.socket() as holder:
        holder.bind((HOST, 0))  # bound, not listening: refused, and nobody else can take it
        port = holder.getsockname()[1]
        for probe in (http_ok(port, "/ready"), redis_ping(port), sip_options(port)):
            assert not await probe()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("redis", b"-MISCONF Errors writing to the AOF file\r\n"),  # its disk is full
        ("livekit-server", b"HTTP/1.1 406 Not Acceptable\r\nContent-Length: 0\r\n\r\n"),
    ],
)
async def test_a_part_that_can_do_nothing_now_is_alive(
    root: Path, name: str, answer: bytes
) -> None:
    """To start it again would mend nothing, and end the calls that go on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4096)
        writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, HOST, 0) as server:
        port = server.sockets[0].getsockname()[1]
        parts = {part.name: part for part in build(root, Ports(redis=port, livekit=port))}
        assert not await parts[name].answers()
        alive = parts[name].alive
        assert alive is not None
        assert await alive()
    assert not await alive()


async def test_a_worker_with_calls_is_spared(root: Path) -> None:
    worker = build(root)[-1]
    assert worker.spared is not None
    assert await worker.spared()


def test_the_ready_block_tells_how_to_dial_and_what_is_in_use() -> None:
    block = ready_block(Settings.load(GOOD), Ports(sip=5061), GOOD)
    assert "sip:+15550100@127.0.0.1:5061" in block
    assert GOOD["PARLEY_SIP_PASSWORD"] in block
    assert block.count("rehearsal") == 2
    assert "scripted-receptionist" in block


def test_the_ready_block_names_models_elsewhere() -> None:
    elsewhere = GOOD | {"AGENT_LLM__URL": "http://gpu:8000/v1", "AGENT_LLM__MODEL": "gemma"}
    assert "gemma at http://gpu:8000/v1" in ready_block(Settings.load(GOOD), Ports(), elsewhere)


def test_a_persona_finds_its_secrets_where_the_worker_does(root: Path) -> None:
    (root / "clerk.yaml").write_text(
        "name: clerk\ngreeting: Hello.\ninstructions: Be brief.\n"
        "minds:\n- {url: 'http://minds/v1', model: m, key: MINDS}\n"
    )
    clerk = {"PARLEY_PERSONA": "clerk", "AGENT_PERSONAS": str(root)}
    with pytest.raises(BadSettingsError, match=r"clerk\.yaml:5: .*AGENT_SECRET_MINDS is not set"):
        build(root, **clerk)
    parts = build(root, **clerk, AGENT_SECRET_MINDS="s3cret")
    assert [part.name for part in parts if "AGENT_SECRET_MINDS" in part.environment] == ["worker"]


def test_livekits_logs_name_nobody_unless_they_are_asked_to(root: Path) -> None:
    filtered = [part.name for part in build(root) if part.log_filter]
    assert filtered == ["livekit-server", "livekit-sip"]
    assert not any(part.log_filter for part in build(root, PARLEY_LOG_CALLERS="true"))

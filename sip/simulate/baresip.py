"""The program baresip as a telephone that can be told what to do."""

import asyncio
import contextlib
import json
import shutil
import socket
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sip.simulate.caller import CallFailedError
from sip.simulate.speech import RATE
from sip.simulate.stack import Stack
from sip.simulate.timeline import write_wave

SILENCE = 120 * RATE
"""Samples after what is said: a source that ends sends no packets any more."""

_STARTING = 10.0
_ENDING = 2.0

_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{sip}
sip_trans_def {transport}
audio_source aufile,{folder}/silence.wav
audio_channels 1
audio_srate {rate}
rtp_ports {rtp}-{rtp_end}
# Two packets: what a telephone on a good line keeps.
jitter_buffer_delay 2-10
ctrl_tcp_listen 127.0.0.1:{control}
snd_path {folder}
statmode_default off
module_path {modules}
module g711.so
module g722.so
module sndfile.so
module aufile.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
module_tmp uuid.so
"""

_SECURE = """\
sip_cafile {authority}
module srtp.so
"""

_ACCOUNT = (
    "<sip:{from_}@127.0.0.1:{sip};transport={transport}>;auth_user={user};auth_pass={password};"
    "regint=0;audio_codecs={codec}{encryption}\n"
)


@dataclass(frozen=True)
class Security:
    """TLS to a server that `authority`, a PEM file, vouches for, and SRTP with keys in the SDP."""

    authority: Path
    srtp: bool = True


class Control:
    """baresip's control socket: commands as netstrings of JSON, events the same way."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def tell(self, command: str, parameters: str = "") -> None:
        message = json.dumps({"command": command, "params": parameters}).encode()
        self._writer.write(b"%d:%s," % (len(message), message))
        await self._writer.drain()

    async def event(self) -> tuple[str, str]:
        """The next call event: its type and what baresip says of it. Answers to commands are passed over.

        Raises asyncio.IncompleteReadError when baresip is gone.
        """
        while True:
            length = int((await self._reader.readuntil(b":"))[:-1])
            message = json.loads((await self._reader.readexactly(length + 1))[:-1])
            if message.get("event"):
                return message["type"], message.get("param", "")

    def close(self) -> None:
        self._writer.close()


@contextlib.asynccontextmanager
async def baresip(
    folder: Path,
    stack: Stack,
    from_: str,
    *,
    codec: str = "PCMU/8000/1",
    security: Security | None = None,
) -> AsyncGenerator[Control]:
    """A baresip of its own that calls as `from_` and offers one codec, with its files in `folder`.

    Without `security`, by UDP and RTP.

    Raises CallFailedError when it is not there or does not start.
    """
    program = shutil.which("baresip")
    if program is None:
        raise CallFailedError("baresip is not installed: apt install baresip-core")
    modules = Path(program).parent.parent / "lib" / "baresip" / "modules"
    control_port = _configure(folder, stack, from_, codec, modules=modules, security=security)
    process = await asyncio.create_subprocess_exec(
        program, "-f", str(folder), stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    assert process.stdout is not None
    try:
        await _ready(process.stdout)
        control = Control(*await asyncio.open_connection("127.0.0.1", control_port))
        draining = asyncio.create_task(_drain(process.stdout))
        try:
            yield control
            await control.tell("quit")
        finally:
            control.close()
            draining.cancel()
    except OSError as error:
        raise CallFailedError(f"baresip cannot be controlled: {error}") from error
    finally:
        await ended(process)


async def _ready(output: asyncio.StreamReader) -> None:
    said = b""
    try:
        async with asyncio.timeout(_STARTING):
            while b"baresip is ready" not in said:
                more = await output.read(4096)
                if not more:
                    raise CallFailedError(f"baresip did not start: {said.decode(errors='replace')}")
                said += more
    except TimeoutError:
        raise CallFailedError(f"baresip was not ready in {_STARTING:.0f} s") from None


async def _drain(output: asyncio.StreamReader) -> None:
    while await output.read(4096):
        pass


async def ended(process: asyncio.subprocess.Process) -> None:
    """Gone in any case: also when whoever waits here is cancelled."""
    try:
        async with asyncio.timeout(_ENDING):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _configure(
    folder: Path, stack: Stack, from_: str, codec: str, *, modules: Path, security: Security | None
) -> int:
    """Write baresip's files; returns its control port."""
    # baresip takes the port after its SIP port too, for TLS.
    sip, control, rtp = _free_ports(2), _free_ports(1), _free_ports(1)
    rate = int(codec.split("/")[1])  # a source must have its codec's
    transport = "tls" if security else "udp"
    (folder / "config").write_text(
        _CONFIG.format(
            transport=transport,
            sip=sip,
            control=control,
            rtp=rtp // 2 * 2,
            rtp_end=rtp // 2 * 2 + 20,
            rate=rate,
            folder=folder,
            modules=modules,
        )
        + (_SECURE.format(authority=security.authority) if security else "")
    )
    accounts = folder / "accounts"
    accounts.touch(mode=0o600)
    accounts.write_text(
        _ACCOUNT.format(
            from_=from_,
            sip=sip,
            transport=transport,
            codec=codec,
            encryption=";mediaenc=srtp-mand" if security and security.srtp else "",
            user=stack.sip_username,
            password=stack.sip_password.get_secret_value(),
        )
    )
    write_wave(folder / "silence.wav", np.zeros(SILENCE, dtype=np.int16), rate)
    return control


def _free_ports(row: int) -> int:
    """The first of a `row` of ports that nobody has now."""
    while True:
        with contextlib.ExitStack() as taken:
            try:
                first = _take(taken, 0)
                for port in range(first + 1, first + row):
                    _take(taken, port)
            except OSError:
                continue
            return first


def _take(taken: contextlib.ExitStack, port: int) -> int:
    trial = taken.enter_context(socket.socket())
    trial.bind(("127.0.0.1", port))
    bound: int = trial.getsockname()[1]
    return bound

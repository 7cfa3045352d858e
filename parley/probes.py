"""Ways of asking a part whether it answers. Each is tried until it says yes."""

import asyncio
import contextlib
import socket
import uuid
from ssl import SSLContext

import aiohttp

from parley.part import Probe

HOST = "127.0.0.1"
PATIENCE = 1.0


def http_ok(port: int, path: str, tls: SSLContext | None = None) -> Probe:
    """GET `path` answers 200; by TLS, if that is given."""

    async def probe() -> bool:
        return await _status(port, path, tls) == 200  # noqa: PLR2004

    return probe


def http_answers(port: int, path: str) -> Probe:
    """GET `path` answers, whatever it is."""

    async def probe() -> bool:
        return await _status(port, path, None) is not None

    return probe


async def _status(port: int, path: str, tls: SSLContext | None) -> int | None:
    timeout = aiohttp.ClientTimeout(total=PATIENCE)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            url = f"{'https' if tls else 'http'}://{HOST}:{port}{path}"
            async with session.get(url, ssl=tls or True) as response:
                return response.status
        except (aiohttp.ClientError, TimeoutError):
            return None


def redis_ping(port: int, tls: SSLContext | None = None) -> Probe:
    """PING answers PONG: not while the append-only file is being read."""
    return _redis(port, (b"+PONG",), tls)


def redis_answers(port: int, tls: SSLContext | None = None) -> Probe:
    """PING is answered, be it by an error: that its disk is full, say."""
    return _redis(port, (b"+", b"-"), tls)


def _redis(port: int, beginnings: tuple[bytes, ...], tls: SSLContext | None) -> Probe:

    async def probe() -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                reader, writer = await asyncio.open_connection(HOST, port, ssl=tls)
                with contextlib.closing(writer):
                    writer.write(b"PING\r\n")
                    return (await reader.readline()).startswith(beginnings)
        except (OSError, TimeoutError):
            return False

    return probe


def sip_options(port: int) -> Probe:
    """An OPTIONS request over UDP is answered (RFC 3261 §11)."""

    async def probe() -> bool:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            datagram.setblocking(False)
            try:
                datagram.connect((HOST, port))
                await loop.sock_sendall(datagram, _options(port, datagram.getsockname()[1]))
                async with asyncio.timeout(PATIENCE):
                    return (await loop.sock_recv(datagram, 2048)).startswith(b"SIP/2.0 200")
            except (OSError, TimeoutError):
                return False

    return probe


def _options(port: int, own_port: int) -> bytes:
    call = uuid.uuid4().hex
    return (
        f"OPTIONS sip:{HOST}:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP {HOST}:{own_port};branch=z9hG4bK{call};rport\r\n"
        f"From: <sip:parley@{HOST}>;tag={call[:8]}\r\n"
        f"To: <sip:{HOST}:{port}>\r\n"
        f"Call-ID: {call}\r\n"
        "CSeq: 1 OPTIONS\r\n"
        "Max-Forwards: 1\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def is_free(port: int, kind: socket.SocketKind) -> bool:
    """Whether a part could listen on `port`, of TCP (SOCK_STREAM) or UDP (SOCK_DGRAM)."""
    with socket.socket(socket.AF_INET, kind) as trial:
        if kind is socket.SOCK_STREAM:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, port))
        except OSError:
            return False
    return True

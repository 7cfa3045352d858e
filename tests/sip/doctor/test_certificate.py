"""Certificates that Twilio would not believe, made for the purpose."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sip.doctor import certificate
from sip.doctor.finding import Finding, Reporter, Verdict
from tests.fakes.certificates import NAME, NOW, Made, made

REPORT = Reporter("TLS")


@contextlib.asynccontextmanager
async def serving(files: Made | None) -> AsyncIterator[tuple[str, int]]:
    context = None
    if files:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(files.certificate, files.key)

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SIP/2.0 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()


async def looked_at(files: Made | None, *, trusted: bool = True, now: datetime = NOW) -> Finding:
    def context() -> ssl.SSLContext:
        authorities = str(files.certificate) if files and trusted else None
        return ssl.create_default_context(cafile=authorities)

    async with serving(files) as address:
        return await certificate.served(REPORT, NAME, address, now, context)


async def test_a_good_one(tmp_path: Path) -> None:
    assert (await looked_at(made(tmp_path))).verdict is Verdict.OK


@pytest.mark.parametrize(
    ("files", "trusted", "cure"),
    [
        ({}, False, "public authority"),
        ({"name": "other.example.org"}, True, "certificate for sip.example.org"),
        ({"ends": NOW - timedelta(days=1)}, True, "renew"),
    ],
    ids=["self-signed", "another name", "expired"],
)
async def test_one_that_nobody_believes(
    tmp_path: Path, files: dict[str, object], trusted: bool, cure: str
) -> None:
    found = await looked_at(made(tmp_path, **files), trusted=trusted)  # type: ignore[arg-type]
    assert found.verdict is Verdict.FAILED
    assert cure in (found.fix or "")


async def test_one_that_ends_soon(tmp_path: Path) -> None:
    found = await looked_at(made(tmp_path), now=NOW + timedelta(days=80))
    assert found.verdict is Verdict.WARNING
    assert "in 9 days" in found.says


async def test_a_server_without_tls() -> None:
    found = await looked_at(None)
    assert found.verdict is Verdict.FAILED
    assert "no TLS" in found.says


async def test_nobody_there() -> None:
    async with serving(None) as address:
        pass
    found = await certificate.served(REPORT, NAME, address, NOW)
    assert found.verdict is Verdict.FAILED
    assert "nobody listens" in found.says


def test_files_that_belong_together(tmp_path: Path) -> None:
    files = made(tmp_path)
    assert certificate.files(REPORT, files.certificate, files.key).verdict is Verdict.OK


def test_files_that_do_not(tmp_path: Path) -> None:
    ours, other = made(tmp_path / "ours"), made(tmp_path / "other")
    missing, junk = tmp_path / "missing", tmp_path / "junk"
    junk.write_text("no certificate")
    locked = made(tmp_path / "locked", password=b"hush")
    for pair in (
        (locked.certificate, locked.key),
        (ours.certificate, other.key),
        (junk, ours.key),
        (missing, ours.key),
    ):
        found = certificate.files(REPORT, *pair)
        assert found.verdict is Verdict.FAILED, pair
        assert found.fix

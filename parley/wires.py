"""How the parts of this machine speak with each other: plainly over loopback, or by TLS with one folder."""

import contextlib
import os
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from agent.yaml_file import BadFileError
from parley.settings import BadSettingsError, Settings
from parley_serving.settings import is_loopback
from sip.line import Line

HERE = "127.0.0.1"
"""What the certificate must be valid for: parts call each other by it."""

FILES = ("cert.pem", "key.pem", "ca.pem")
ADDRESSES = (
    "AGENT_STT__URL",
    "AGENT_TTS__URL",
    "AGENT_LLM__URL",
    "LIVEKIT_URL",
    "PARLEY_WEB_LIVEKIT_URL",
    "PARLEY_WEB_PUBLIC_URL",
    "PARLEY_WEB_OIDC_ISSUER",
    "PARLEY_WEBHOOK_URLS",
    "PARLEY_BUCKET_ENDPOINT",
    "PARLEY_OTLP_URL",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
)
"""Settings that say whom Parley calls."""

AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Debian's; elsewhere Python is asked, or SSL_CERT_FILE says."""


@dataclass(frozen=True)
class Files:
    """`trusted` has our own authority and all public ones."""

    certificate: Path
    key: Path
    authority: Path
    trusted: Path


def scheme_of(settings: Settings) -> Literal["http", "https"]:
    """Of what listens on this machine."""
    return "https" if settings.tls else "http"


@dataclass(frozen=True)
class Wires:
    """Of `parley up`. Without `files` all speak plainly."""

    files: Files | None = None

    @property
    def scheme(self) -> Literal["http", "https"]:
        return "https" if self.files else "http"

    @property
    def pair(self) -> tuple[Path, Path] | None:
        """Certificate and key, for who listens."""
        return (self.files.certificate, self.files.key) if self.files else None

    @property
    def client(self) -> ssl.SSLContext | None:
        """For who calls a part."""
        return ssl.create_default_context(cafile=self.files.authority) if self.files else None

    @property
    def everybody(self) -> ssl.SSLContext | None:
        """For who calls engines that may be others'."""
        return ssl.create_default_context(cafile=self.files.trusted) if self.files else None

    @property
    def trusted(self) -> Mapping[str, str]:
        """Variables of a part that calls others."""
        return {"SSL_CERT_FILE": str(self.files.trusted)} if self.files else {}

    def listening(self, prefix: str) -> Mapping[str, str]:
        """Settings of an engine."""
        if self.files is None:
            return {}
        return {
            f"{prefix}LISTEN__CERTIFICATE": str(self.files.certificate),
            f"{prefix}LISTEN__PRIVATE_KEY": str(self.files.key),
        }

    def redis_server(self, port: int) -> Mapping[str, str]:
        """Options of redis-server. Clients are known by who may reach it, not by certificates."""
        if self.files is None:
            return {"port": str(port)}
        return {
            "port": "0",
            "tls-port": str(port),
            "tls-cert-file": str(self.files.certificate),
            "tls-key-file": str(self.files.key),
            "tls-ca-cert-file": str(self.files.authority),
            "tls-auth-clients": "no",
        }

    def redis_at(self, address: str) -> Mapping[str, Any]:
        """Of livekit-server's and livekit-sip's configurations."""
        if self.files is None:
            return {"address": address}
        tls = {"enabled": True, "ca_cert_file": str(self.files.authority)}
        return {"address": address, "tls": tls}

    def sip_at(self, port: int) -> Mapping[str, Any]:
        """Of livekit-sip's configuration: TLS beside UDP and TCP, which callers of this machine may use."""
        if self.files is None:
            return {}
        files = {"cert_file": str(self.files.certificate), "key_file": str(self.files.key)}
        return {"tls": {"port": port, "certs": [files]}}


PLAIN = Wires()


def wires_of(settings: Settings, environment: Mapping[str, str]) -> Wires:
    """By PARLEY_TLS. Then nothing may go to another machine in the clear.

    Raises:
        BadSettingsError: a file is missing, open to others or of no use, or an address is plain.
    """
    if settings.tls is None:
        return PLAIN
    certificate, key, authority = (_there(settings.tls / name) for name in FILES)
    if key.stat().st_mode & 0o077:
        raise BadSettingsError(f"{key} can be read by others: chmod 600 {key}")
    _try(certificate, key, authority)
    for problem in _plain(settings, environment):
        raise BadSettingsError(f"PARLEY_TLS is set, and {problem}")
    trusted = _written(settings.run_dir / "trusted.pem", authority, environment)
    return Wires(Files(certificate, key, authority, trusted))


def _there(path: Path) -> Path:
    if not os.access(path, os.R_OK) or not path.is_file():
        raise BadSettingsError(
            f"PARLEY_TLS: {path} is missing or cannot be read: the folder holds {', '.join(FILES)} "
            "(docs/security.md says how to make them)"
        )
    return path


def _try(certificate: Path, key: Path, authority: Path) -> None:
    """A handshake in memory, as between two parts: it proves the chain, the name, the time and the key."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        # Without a password OpenSSL would ask the terminal for that of a locked key.
        server.load_cert_chain(certificate, key, password="")
        client = ssl.create_default_context(cafile=authority)
    except OSError as error:
        raise BadSettingsError(
            f"PARLEY_TLS: {certificate}, {key} and {authority} cannot be used ({_reason(error)}): give PEM, "
            "the certificate with its chain, and the key that belongs to it, unlocked"
        ) from None
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    calling = client.wrap_bio(to_client, to_server, server_hostname=HERE)
    serving = server.wrap_bio(to_server, to_client, server_side=True)
    try:
        for side in (calling, serving, calling):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
    except ssl.SSLCertVerificationError as error:
        raise BadSettingsError(
            f"PARLEY_TLS: {certificate} is no good ({error.verify_message}): renew it, signed by {authority} "
            f"and with {HERE} among its names (docs/security.md)"
        ) from None


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)


def _plain(settings: Settings, environment: Mapping[str, str]) -> Iterator[str]:
    """What would go to another machine in the clear."""
    for name in ADDRESSES:
        for url in environment.get(name, "").split():
            parts = urlsplit(url)
            if parts.scheme in {"http", "ws"} and not is_loopback(parts.hostname or ""):
                yield f"{name} calls {parts.hostname} in the clear: use {parts.scheme}s://"
    ledger = urlsplit(settings.ledger_url)
    modes = parse_qs(ledger.query).get("sslmode", [])
    if ledger.hostname and not is_loopback(ledger.hostname) and modes != ["verify-full"]:
        yield "PARLEY_LEDGER is on another machine: end it with ?sslmode=verify-full"
    if settings.sip_file.exists():
        try:
            line = Line.read(settings.sip_file)
        except BadFileError as error:
            raise BadSettingsError(str(error)) from error
        if not line.secure:
            yield f"calls of {settings.sip_file} are open: set transport: tls and secure: true there"


def _written(file: Path, authority: Path, environment: Mapping[str, str]) -> Path:
    """Our authority and the public ones in one file, for those who read only one."""
    usual = ssl.get_default_verify_paths().cafile
    named = (environment.get("SSL_CERT_FILE"), usual, AUTHORITIES)
    public = next((Path(each) for each in named if each and Path(each).is_file()), None)
    if public is None:
        raise BadSettingsError(
            "no file of public certificate authorities was found: install ca-certificates, or name one by "
            "SSL_CERT_FILE"
        )
    trusted = authority.read_bytes() + b"\n" + public.read_bytes()
    if file.exists() and file.read_bytes() == trusted:
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = file.with_suffix(f".{os.getpid()}")
    whole.write_bytes(trusted)
    whole.replace(file)  # a part may be starting, and read it
    return file

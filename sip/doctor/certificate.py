"""Whether Twilio would believe our certificate: its chain, its name, its time."""

import asyncio
import ssl
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sip.doctor.finding import Finding, Reporter

SOON = 14
"""Days before its end at which a certificate should have been renewed."""

Context = Callable[[], ssl.SSLContext]


def files(report: Reporter, certificate: Path, key: Path) -> Finding:
    """Whether both can be read, and belong together."""
    for path in (certificate, key):
        if not path.is_file():
            return report.failed(f"{path} is missing", "mend bridge.certificate and bridge.key")
    try:
        # Without a password OpenSSL would ask the terminal for that of a locked key.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except OSError as error:
        return report.failed(
            f"{certificate} and {key} cannot be used: {_reason(error)}",
            "give both as PEM, the certificate with its chain, and the key that belongs to it, unlocked",
        )
    return report.ok(f"{certificate} and its key")


async def served(
    report: Reporter,
    name: str,
    address: tuple[str, int],
    now: datetime,
    context: Context = ssl.create_default_context,
) -> Finding:
    """What is served at `address` (host, port) to who asks for `name`."""
    where = f"{address[0]}:{address[1]}"
    try:
        _, writer = await asyncio.open_connection(*address, ssl=context(), server_hostname=name)
    except ssl.SSLCertVerificationError as error:
        return report.failed(f"{where}: {error.verify_message}", _cure(error, name))
    except ssl.SSLError as error:
        return report.failed(f"{where} speaks no TLS: {_reason(error)}", _cure_of_server())
    except (OSError, UnicodeError):
        return report.failed(f"nobody listens on {where}", _cure_of_server())
    held = writer.get_extra_info("peercert")
    writer.transport.abort()
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(held["notAfter"]), UTC)
    days = (ends - now).days
    if days < SOON:
        return report.warning(f"the certificate of {name} ends in {days} days", "renew it")
    return report.ok(f"{name} until {ends:%Y-%m-%d}")


def _cure(error: ssl.SSLCertVerificationError, name: str) -> str:
    message = error.verify_message.lower()
    if "expired" in message:
        return "renew the certificate and restart livekit-sip"
    if "mismatch" in message or "not valid for" in message:
        return f"get a certificate for {name}, or set public_host to the name that it has"
    return "serve a certificate of a public authority, with its intermediate certificates"


def _cure_of_server() -> str:
    return "run `parley sip apply`, which writes the bridge's tls settings, and restart livekit-sip"


def _reason(error: OSError) -> str:
    return getattr(error, "reason", None) or error.strerror or str(error)

"""Which checks a call calls for, in the order in which it would meet what they look at."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from livekit import api

from agent.call import CallRequest
from agent.config import AGENT_NAME
from sip.changes import SideError, StoppedError
from sip.doctor import (
    addresses,
    certificate,
    hygiene,
    livekit,
    loopback,
    ports,
    servers,
    twilio,
    versions,
)
from sip.doctor.examine import Check, Looked
from sip.doctor.finding import Finding, Reporter
from sip.doctor.matching import IncomingCall
from sip.line import Line
from sip.numbers import Kind, classify
from sip.simulate.stack import Stack
from sip.twilio_side import Account

CALL = ("SIP port", "LiveKit", "trunk", "rule", "worker", "hearing", "thinking", "speaking")
"""What a real call needs."""


@dataclass(frozen=True)
class Patient:
    """All that is to be looked at. `line` is None where there is the local trunk alone.

    `call` is the call to be replayed, `is_local` if it is one to the local trunk, whose credentials
    `stack` has; `persona` would answer it; `transfers` are where personas hand callers to. `folder`
    is that of sip.yaml. `answers` sends a SIP request to the bridge. `tried` are the versions that calls
    were tried with, by the server's name.
    """

    line: Line | None
    call: IncomingCall
    is_local: bool
    persona: str
    stack: Stack
    answers: Callable[[], Awaitable[bool]]
    rtp: range
    worker: servers.Server
    hearing: servers.Server
    speaking: servers.Server
    thinking: servers.Server
    model: str
    folder: Path = Path()
    account: Account | None = None
    transfers: Sequence[str] = ()
    stun_servers: Sequence[tuple[str, int]] = addresses.STUN_SERVERS
    trusted: certificate.Context = ssl.create_default_context
    tried: Mapping[str, str] = field(default_factory=dict)


def checks_for(patient: Patient, livekit_client: api.LiveKitAPI) -> list[Check]:
    """All of them; `livekit_client` must stay open while they run."""
    of_line = _line_checks(patient, patient.line) if patient.line else []
    return [*of_line, *_bridge_checks(patient), *_inside_checks(patient, livekit_client)]


def _line_checks(patient: Patient, line: Line) -> list[Check]:
    async def numbers(report: Reporter) -> Looked:
        return number_format(report, [each.number for each in line.numbers])

    async def of_twilio(report: Reporter) -> Looked:
        if patient.account is None:
            return report.skipped("no credentials for Twilio")
        return await twilio.look(report, patient.account, line, patient.transfers)

    async def address(report: Reporter) -> Looked:
        known = await addresses.look_up(line.public_host, patient.stun_servers)
        return [
            addresses.way_in(report, line.public_host, known),
            addresses.told_to_callers(report, line.bridge.public_ip, known),
        ]

    return [
        Check("numbers", numbers),
        Check("Twilio", of_twilio, limit=twilio.LIMIT),
        Check("addresses", address),
        *(_certificate_checks(patient, line) if line.transport == "tls" else ()),
    ]


def _certificate_checks(patient: Patient, line: Line) -> list[Check]:
    async def of_files(report: Reporter) -> Looked:
        bridge = line.bridge
        assert bridge.certificate  # as Line says of transport tls
        assert bridge.key
        pair = (patient.folder / bridge.certificate, patient.folder / bridge.key)
        return certificate.files(report, *pair)

    async def served(report: Reporter) -> Looked:
        address = (patient.stack.sip_host, line.bridge.tls_port)
        now = datetime.now(UTC)
        return await certificate.served(report, line.public_host, address, now, patient.trusted)

    return [Check("certificate", of_files), Check("TLS", served, needs=("certificate",))]


def _bridge_checks(patient: Patient) -> list[Check]:
    async def sip_port(report: Reporter) -> Looked:
        stack = patient.stack
        return await ports.signalling(report, stack.sip_host, stack.sip_port, patient.answers)

    async def rtp_ports(report: Reporter) -> Looked:
        taken = await asyncio.to_thread(ports.taken_udp)
        return ports.sound(report, patient.rtp, patient.stack.sip_port, taken, ports.ephemeral())

    return [Check("SIP port", sip_port), Check("RTP ports", rtp_ports)]


def _inside_checks(patient: Patient, client: api.LiveKitAPI) -> list[Check]:
    kept = livekit.Kept()
    call = patient.call

    async def read(report: Reporter) -> Looked:
        return await livekit.read(report, patient.stack.livekit_url, client, kept)

    async def doors(report: Reporter) -> Looked:
        return hygiene.doors(report, kept.trunks, kept.rules)

    async def trunk(report: Reporter) -> Looked:
        return hygiene.trunk_for(report, kept.trunks, call)

    async def rule(report: Reporter) -> Looked:
        return hygiene.rule_for(report, kept.trunks, kept.rules, call, AGENT_NAME)

    async def worker(report: Reporter) -> Looked:
        return await _worker(report, patient, client)

    async def known(report: Reporter) -> Looked:
        return await versions.look(report, patient.stack, client, patient.thinking, patient.tried)

    async def real_call(report: Reporter) -> Looked:
        return await _call(report, patient)

    return [
        Check("LiveKit", read),
        Check("doors", doors, needs=("LiveKit",)),
        Check("trunk", trunk, needs=("LiveKit",)),
        Check("rule", rule, needs=("LiveKit", "trunk")),
        Check("worker", worker, needs=("LiveKit",), limit=livekit.LIMIT),
        Check("hearing", lambda report: servers.ready(report, patient.hearing)),
        Check("thinking", lambda report: servers.mind(report, patient.thinking, patient.model)),
        Check("speaking", lambda report: servers.ready(report, patient.speaking)),
        Check("versions", known, needs=("LiveKit",), limit=versions.LIMIT),
        Check("call", real_call, needs=CALL, limit=loopback.LIMIT),
    ]


async def _worker(report: Reporter, patient: Patient, client: api.LiveKitAPI) -> Finding:
    said = await servers.ready(report, patient.worker)
    if said.verdict == "ok":
        return said
    # Its health server may be another machine's, or off.
    request = CallRequest(direction="room", persona=patient.persona, test=True)
    return await livekit.worker(report, client, AGENT_NAME, request.to_metadata())


async def _call(report: Reporter, patient: Patient) -> Finding:
    """By the trunk itself if it is the local one, else by a side door."""
    called, calling = patient.call.called, patient.call.calling
    if patient.is_local:
        return await loopback.loopback(report, patient.stack, to=called, from_=calling)
    try:
        async with loopback.side_door(patient.stack, patient.persona) as (stack, number):
            return await loopback.loopback(report, stack, to=number, from_=calling)
    except (SideError, StoppedError) as error:
        return report.failed(f"no trunk could be made for it: {error}", "see livekit-server's log")


def number_format(report: Reporter, numbers: Sequence[str]) -> list[Finding]:
    """Whether there can be such numbers."""
    found = [
        report.failed(f"{each} cannot be a telephone number", "write it as +15550100: E.164")
        for each in numbers
        if classify(each).kind is not Kind.ORDINARY
    ]
    return found or [report.ok(f"{len(numbers)} numbers, E.164")]

"""A line of ours that places calls, and the one telephone that it reaches."""

import asyncio
import contextlib
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import yaml
from livekit import api

from parley.outbound import open_dialler, open_queue, read_line
from parley.settings import Settings
from sip.outbound.dialler import Dialler
from sip.outbound.queue import Dial, Order, Queue
from sip.simulate.callee import Callee, Manner, callee
from tests.stack import Stack

OURS = "+12025550199"
THEIRS = "+12025550123"

RINGING = 5


@dataclass
class Office:
    """As `sip.yaml` in `file` describes it. Open it with `office_of`."""

    phone: Callee
    stack: Stack
    file: Path
    persona: str

    async def start(self) -> Process:
        """`parley call`."""
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "parley", "call", THEIRS),
            *("--persona", self.persona, "--json"),
            env=self.stack.environment | {"PARLEY_SIP_FILE": str(self.file)},
            stdout=PIPE,
            stderr=PIPE,
        )

    async def call(self, manner: Manner) -> Dial:
        """What `parley call` does, without the seconds that a new process takes."""
        self.phone.manner = manner
        async with self.dialler() as (queue, dialler):
            order = Order(THEIRS, OURS, self.persona)
            dial_id = await asyncio.to_thread(queue.add, order, datetime.now(UTC), held=True)
            await dialler.run_held(dial_id)
            return await self.dial(queue, dial_id)

    @contextlib.asynccontextmanager
    async def dialler(self) -> AsyncIterator[tuple[Queue, Dialler]]:
        line, settings = read_line(self.file), Settings.load(self.stack.environment)
        async with (
            open_queue(settings) as queue,
            open_dialler(line, queue, settings, self.stack.environment) as dialler,
        ):
            yield queue, dialler

    async def dial(self, queue: Queue, dial_id: str) -> Dial:
        dial = await asyncio.to_thread(queue.get, dial_id)
        assert dial is not None
        return dial


@contextlib.asynccontextmanager
async def trunk_to(phone: Callee, livekit: api.LiveKitAPI, name: str) -> AsyncIterator[None]:
    wanted = api.SIPOutboundTrunkInfo(
        name=name,
        address=phone.address,
        transport=api.SIPTransport.SIP_TRANSPORT_UDP,
        numbers=[OURS],
    )
    made = await livekit.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=wanted))
    yield
    await livekit.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))


@contextlib.asynccontextmanager
async def office_of(
    stack: Stack, folder: Path, persona: str = "receptionist"
) -> AsyncIterator[Office]:
    """Its file is in `folder`."""
    line = {
        "public_host": "sip.example.org",
        "domain": "example",
        "name": "office",
        "numbers": [{"number": OURS, "persona": persona}],
        "outbound": {
            "ringing_seconds": RINGING,
            "calls_per_second": 100,
            "retry_after_seconds": 1,
        },
    }
    file = folder / "sip.yaml"
    file.write_text(yaml.safe_dump(line))
    os.chmod(stack.environment["PARLEY_ENV_FILE"], 0o600)
    async with (
        stack.livekit() as livekit,
        callee() as phone,
        trunk_to(phone, livekit, "parley office"),
    ):
        yield Office(phone, stack, file, persona)

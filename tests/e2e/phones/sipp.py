"""The program SIPp, which sends what a scenario of its own says."""

import asyncio
import shutil
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from pathlib import Path

from sip.simulate.baresip import ended
from sip.simulate.stack import Stack

LONGEST = 40
"""Seconds that it may take over all its calls."""


async def sipp(scenario: Path, stack: Stack, *, to: str, calls: int, rate: int) -> None:
    """Make so many calls to the number, so many of them a second.

    Raises AssertionError when one of them did not go as the scenario says.
    """
    program = shutil.which("sipp")
    assert program, "SIPp is not installed: apt install sip-tester"
    process = await asyncio.create_subprocess_exec(
        *(program, "-sf", str(scenario), "-s", to, "-i", "127.0.0.1"),
        *("-m", str(calls), "-r", str(rate), "-timeout", str(LONGEST), "-timeout_error"),
        *("-nostdin", f"{stack.sip_host}:{stack.sip_port}"),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        said, _ = await process.communicate()
    finally:
        await ended(process)
    assert process.returncode == 0, said.decode(errors="replace")[-2000:]

"""The program SIPp as many strangers, who know an address and a number and no password."""

import asyncio
import csv
import shutil
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from dataclasses import dataclass
from pathlib import Path

from sip.simulate.baresip import ended
from sip.simulate.caller import CallFailedError
from sip.simulate.dialog import address_towards
from sip.simulate.stack import Stack

SCENARIO = Path(__file__).parent / "stranger.xml"

LONGEST = 40
"""Seconds that the last of them may take beyond the time that their rate takes."""


@dataclass(frozen=True)
class Flooded:
    """How many INVITEs were answered as they should be, by a challenge, and how many were not."""

    answered: int
    failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """A second."""
        return self.answered / self.seconds if self.seconds else 0.0


async def sipp(stack: Stack, *, to: str, calls: int, rate: int) -> Flooded:
    """Send so many INVITEs to the number, so many of them a second.

    Raises CallFailedError when SIPp is not there, and when one was not answered as it should be.
    """
    found = await flood(stack, to=to, calls=calls, rate=rate)
    if found.failed:
        raise CallFailedError(f"{found.failed} of {calls} INVITEs were not answered by a challenge")
    return found


async def flood(stack: Stack, *, to: str, calls: int, rate: int) -> Flooded:
    """The same, whatever is answered. Raises CallFailedError when SIPp does not run."""
    program = shutil.which("sipp")
    if program is None:
        raise CallFailedError("SIPp is not installed: apt install sip-tester")
    loop = asyncio.get_running_loop()
    began = loop.time()
    with tempfile.TemporaryDirectory(prefix="parley-sipp-") as folder:
        figures = Path(folder) / "figures.csv"
        process = await asyncio.create_subprocess_exec(
            *(program, "-sf", str(SCENARIO), "-s", to, "-i", address_towards(stack.sip_host)),
            *("-m", str(calls), "-r", str(rate), "-timeout", str(LONGEST + calls // rate)),
            *("-trace_stat", "-stf", str(figures), "-nostdin"),
            f"{stack.sip_host}:{stack.sip_port}",
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
        )
        try:
            said, _ = await process.communicate()
        finally:
            await ended(process)
        seconds = loop.time() - began
        try:
            return _read(figures, calls, seconds)
        except (OSError, KeyError, ValueError, IndexError):
            last = said.decode(errors="replace").strip()[-300:]
            raise CallFailedError(f"SIPp failed: {last}") from None


def _read(figures: Path, calls: int, seconds: float) -> Flooded:
    """The last line holds the sums; whom no line counts was given up."""
    with figures.open(encoding="utf-8", newline="") as file:
        last = list(csv.DictReader(file, delimiter=";"))[-1]
    answered = int(last["SuccessfulCall(C)"])
    return Flooded(answered, calls - answered, seconds)

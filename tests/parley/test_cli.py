"""The command line as a whole."""

import asyncio
import sys
from asyncio.subprocess import PIPE

HEAVY = "boto3 csm_engine.csm.model fastapi livekit.agents torch twilio"
"""What takes a second to import, or is not there in every installation."""

LOOK = f"import parley.cli, sys; print(*sorted(set({HEAVY.split()!r}) & set(sys.modules)))"


async def test_a_command_imports_nothing_that_only_others_need() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", LOOK, stdout=PIPE)
    out, _ = await process.communicate()
    assert (process.returncode, out.decode().strip()) == (0, "")

import asyncio
import contextlib

from sip.simulate.baresip import ended


async def test_a_telephone_does_not_outlive_a_call_that_is_cut_short() -> None:
    process = await asyncio.create_subprocess_exec("sleep", "600")
    waiting = asyncio.create_task(ended(process))
    await asyncio.wait({waiting}, timeout=0.05)
    waiting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await waiting
    assert process.returncode is not None

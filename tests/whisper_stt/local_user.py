"""A process that uses the local engine until its input ends: `python local_user.py LINGER`.

It says a line when the engine has heard something for it.
"""

import asyncio
import sys

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectOptions
from livekit.plugins import whisper_stt

SILENCE = rtc.AudioFrame(bytes(3_200), 16_000, 1, 1_600)


async def main() -> None:
    async with (
        aiohttp.ClientSession() as http,
        whisper_stt.STT(model="rehearsal", linger=float(sys.argv[1]), http_session=http) as ears,
    ):
        await ears.recognize(SILENCE, conn_options=APIConnectOptions(max_retry=3, timeout=20.0))
        sys.stdout.write("heard\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())

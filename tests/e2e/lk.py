"""The far end of `lk agent dev`: the program that starts a worker, and starts it again when code changes.

Messages are `livekit_agent_dev.proto`'s, each behind its length in four bytes.
"""

import asyncio
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from livekit.protocol.agent_pb import agent_dev

Message = agent_dev.AgentDevMessage
Job = agent_dev.RunningAgentJobInfo
LENGTH = struct.Struct("!I")
PATIENCE = 60.0


@dataclass
class Channel:
    """To one worker, from its start to its end."""

    reader: StreamReader
    writer: StreamWriter

    async def introduced(self, jobs: Sequence[Job] = ()) -> agent_dev.ServerInfo:
        """What the worker says of itself; asked for them, it gets the jobs of the one before it."""
        info = await self._receive()
        assert info.WhichOneof("message") == "server_info"
        asked = await self._receive()
        assert asked.WhichOneof("message") == "get_running_jobs_request"
        answer = agent_dev.GetRunningAgentJobsResponse(jobs=jobs)
        await self._send(Message(get_running_jobs_response=answer))
        return info.server_info

    async def jobs(self) -> list[Job]:
        """Those that it has, which the next one is to take over."""
        await self._send(Message(get_running_jobs_request=agent_dev.GetRunningAgentJobsRequest()))
        return list((await self._receive()).get_running_jobs_response.jobs)

    async def _receive(self) -> agent_dev.AgentDevMessage:
        async with asyncio.timeout(PATIENCE):
            (size,) = LENGTH.unpack(await self.reader.readexactly(LENGTH.size))
            return Message.FromString(await self.reader.readexactly(size))

    async def _send(self, message: agent_dev.AgentDevMessage) -> None:
        body = message.SerializeToString()
        self.writer.write(LENGTH.pack(len(body)) + body)
        await self.writer.drain()


class Driver:
    """`address` is what a worker is told; `next` is the channel to the worker that came next."""

    def __init__(self, address: str, came: asyncio.Queue[Channel]) -> None:
        self.address = address
        self._came = came

    async def next(self) -> Channel:
        async with asyncio.timeout(PATIENCE):
            return await self._came.get()


@asynccontextmanager
async def driving() -> AsyncGenerator[Driver]:
    came: asyncio.Queue[Channel] = asyncio.Queue(maxsize=2)
    writers: list[StreamWriter] = []

    async def accept(reader: StreamReader, writer: StreamWriter) -> None:
        writers.append(writer)
        await came.put(Channel(reader, writer))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        try:
            yield Driver(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", came)
        finally:
            for writer in writers:
                writer.close()
                with suppress(ConnectionError):  # the worker was there first
                    await writer.wait_closed()

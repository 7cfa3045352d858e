"""A process of callers: `python -m parley.load.caller`. It is told what to do on its standard input,
says `ready`, calls when it is told `go`, and writes its calls as one line of JSON.
"""

import asyncio
import contextlib
import logging
import sys
from collections.abc import AsyncGenerator, Sequence

from pydantic import BaseModel, ConfigDict, SecretStr, TypeAdapter

from parley.load.figures import LoadCall
from parley.load.talk import TURNS, call_until
from sip.simulate.conversation import Turn
from sip.simulate.handset import handset
from sip.simulate.observer import Overheard, overhearing
from sip.simulate.stack import Stack

READY, GO = "ready", "go"


class Order(BaseModel):
    """Whom to call and how. Seconds from `go`: the first dials `first` after it, the next `every`
    later, and all talk until `until`. `talk` is the share of a call. The first is overheard if
    `overhears`, which takes a LiveKit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    livekit_url: str
    api_key: str
    api_secret: str
    sip_host: str
    sip_port: int
    sip_username: str
    sip_password: str
    to: str
    numbers: tuple[str, ...]
    first: float
    every: float
    until: float
    talk: float
    overhears: bool

    def stack(self) -> Stack:
        return Stack(
            livekit_url=self.livekit_url,
            api_key=self.api_key,
            api_secret=SecretStr(self.api_secret),
            sip_host=self.sip_host,
            sip_port=self.sip_port,
            sip_username=self.sip_username,
            sip_password=SecretStr(self.sip_password),
        )


Calls: TypeAdapter[list[LoadCall]] = TypeAdapter(list[LoadCall])
"""What is written at the end."""


async def call_all(order: Order, turns: Sequence[Turn]) -> list[LoadCall]:
    """All of one process, from now on."""
    began = asyncio.get_running_loop().time()

    async def one(place: int) -> list[LoadCall]:
        await asyncio.sleep(order.first + place * order.every)
        async with _overheard(order, place) as overheard:
            return await call_until(
                order.stack(),
                to=order.to,
                from_=order.numbers[place],
                turns=turns,
                until=began + order.until,
                talk=order.talk,
                overheard=overheard,
                dial=handset,
            )

    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(one(place)) for place in range(len(order.numbers))]
    return [call for caller in callers for call in caller.result()]


@contextlib.asynccontextmanager
async def _overheard(order: Order, place: int) -> AsyncGenerator[Overheard | None]:
    if place or not order.overhears:
        yield None
        return
    async with overhearing(order.stack(), order.numbers[place]) as overheard:
        yield overheard


async def _main() -> None:
    order = Order.model_validate_json(await asyncio.to_thread(sys.stdin.readline))
    turns = [await Turn.of(script) for script in TURNS]
    sys.stdout.write(f"{READY}\n")
    sys.stdout.flush()
    if (await asyncio.to_thread(sys.stdin.readline)).strip() != GO:
        return
    calls = await call_all(order, turns)
    sys.stdout.write(f"{Calls.dump_json(calls).decode()}\n")


if __name__ == "__main__":
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # its library speaks of closed channels
    asyncio.run(_main())

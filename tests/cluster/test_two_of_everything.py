"""A node of each kind dies: what becomes of the calls that are up, and that new ones still work."""

import asyncio

import pytest

from parley.probes import sip_options
from sip.simulate.caller import CallFailedError
from sip.simulate.conversation import SETTLED
from sip.simulate.handset import Handset, handset
from sip.simulate.script import VOICE
from sip.simulate.speech import spoken
from tests.cluster.cluster import CALLERS, Cluster
from tests.cluster.node import PATIENCE, until
from tests.e2e.talk import QUESTION

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

A, B = 0, 1


async def greeted(phone: Handset) -> None:
    async with asyncio.timeout(PATIENCE):
        await phone.until(lambda: phone.ear.began is not None)
    assert not phone.hung_up


async def answered(phone: Handset) -> None:
    """The call is alive: the agent says something to a question."""
    async with asyncio.timeout(PATIENCE):
        await phone.until(lambda: phone.ear.quiet_for(phone.now()) >= SETTLED)
        await phone.say(await spoken(QUESTION, VOICE))
        asked = phone.now()
        await phone.until(lambda: phone.ear.began is not None and phone.ear.began > asked)
    assert not phone.hung_up


async def a_call_comes_through(cluster: Cluster, bridge: int) -> None:
    """At the first try or a later one."""
    await cluster.has_a_place()

    async def comes() -> bool:
        try:
            async with cluster.call(bridge) as phone:
                await greeted(phone)
        except CallFailedError:
            return False
        return True

    await until(comes, "a call to come through")


async def test_two_calls_at_once_are_on_two_workers(cluster: Cluster) -> None:
    both = asyncio.Barrier(2)
    held = []

    async def call(number: int) -> None:
        async with cluster.call(bridge=number, caller=number) as phone:
            await greeted(phone)
            await both.wait()
            held.append(await cluster.held())
            await both.wait()

    async with asyncio.TaskGroup() as calls:
        for number in (A, B):
            calls.create_task(call(number))
    assert held == [[1, 1], [1, 1]]


async def test_admission_counts_the_calls_of_all_workers(cluster: Cluster) -> None:
    cluster.admit(max_calls=1)
    try:
        async with cluster.call(A, caller=A) as first:
            await greeted(first)
            with pytest.raises(CallFailedError, match="486"):
                async with cluster.call(B, caller=B):
                    pass
            await answered(first)
    finally:
        cluster.admit()


async def test_a_worker_dies(cluster: Cluster) -> None:
    async with cluster.call(A, caller=A) as lost:
        await greeted(lost)
        holder = (await cluster.held()).index(1)
        async with cluster.call(B, caller=B) as kept:
            await greeted(kept)
            cluster.workers[holder].kill()
            await answered(kept)
        await cluster.idle()
        await a_call_comes_through(cluster, B)
    await cluster.workers[holder].start()


async def test_a_bridge_dies(cluster: Cluster) -> None:
    async with cluster.call(A, caller=A) as lost, cluster.call(B, caller=B) as kept:
        await greeted(lost)
        await greeted(kept)
        cluster.bridges[A].kill()
        lost.drop()  # it would say goodbye to nobody
        await answered(kept)
    await a_call_comes_through(cluster, B)
    await cluster.bridges[A].start()
    await a_call_comes_through(cluster, A)


async def test_a_livekit_server_dies(cluster: Cluster) -> None:
    """With HAProxy between, and without."""
    dead, alive = cluster.servers
    await cluster.astray.start()
    async with cluster.call_in_a_room_of(alive, B) as kept:
        await greeted(kept)
        dead.kill()
        await cluster.workers_are_at(alive)
        await answered(kept)
    await a_call_comes_through(cluster, B)

    astray = cluster.line(cluster.astray)
    for _ in range(2):
        with pytest.raises(CallFailedError, match=r"SIP/2\.0 [456]\d\d"):
            async with handset(astray, to=cluster.settings.number, from_=CALLERS[0]):
                pass
    assert await sip_options(cluster.astray.part.port)(), "it says that all is well"
    cluster.astray.kill()

    await dead.start()
    await cluster.workers_are_at(dead)
    await a_call_comes_through(cluster, A)


async def test_the_master_of_redis_dies(cluster: Cluster) -> None:
    first, second = cluster.redis.nodes

    async def promoted() -> bool:
        return await cluster.redis.master() == second.part.port

    async with cluster.call(A) as kept:
        await greeted(kept)
        first.kill()
        await until(promoted, "the replica to be promoted")
        await answered(kept)
    await a_call_comes_through(cluster, A)
    await a_call_comes_through(cluster, B)

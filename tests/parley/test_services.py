"""What runs beside the parts."""

import asyncio

from prometheus_client import generate_latest

from parley.service_metrics import ServiceMetrics
from parley.services import AGAIN, counted, run_services
from tests.fakes.virtual_time import on_virtual_time


@on_virtual_time
async def test_a_service_that_fails_is_started_again_and_the_others_go_on() -> None:
    starts: list[float] = []

    async def failing() -> None:
        starts.append(asyncio.get_running_loop().time())
        raise ValueError

    async def staying() -> None:
        await asyncio.Event().wait()

    running = asyncio.create_task(run_services({"failing": failing, "staying": staying}))
    await asyncio.sleep(2.5 * AGAIN)
    assert [start - starts[0] for start in starts] == [0.0, AGAIN, 2 * AGAIN]
    assert not running.done()
    running.cancel()
    await asyncio.wait({running})


@on_virtual_time
async def test_failures_of_a_service_are_counted_under_its_name() -> None:
    metrics = ServiceMetrics()

    async def failing() -> None:
        raise ValueError

    service = counted("dialler", failing, metrics.failed)
    running = asyncio.create_task(run_services({"dialler": service}))
    await asyncio.sleep(1.5 * AGAIN)
    page = generate_latest(metrics.registry).decode()
    assert 'parley_services_failures_total{service="dialler"} 2.0' in page
    running.cancel()
    await asyncio.wait({running})

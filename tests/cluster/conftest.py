"""One cluster for all tests of the folder; each leaves it whole, but the last, whose redis is one."""

from collections.abc import Iterator

import pytest
import pytest_asyncio

from tests.cluster.cluster import Cluster, plan


@pytest.fixture(scope="package")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = plan(tmp_path_factory.mktemp("cluster"))
    try:
        yield cluster
    finally:
        cluster.kill()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def started(planned: Cluster) -> Cluster:
    await planned.start()
    return planned


@pytest.fixture
async def cluster(started: Cluster) -> Cluster:
    """Without calls when the test begins."""
    await started.idle()
    return started

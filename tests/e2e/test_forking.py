"""The process that calls are forked from is the one that was begun with the worker."""

import json

import psutil
import pytest

from agent.forking import PRELOADED
from tests.stack import Stack

pytestmark = pytest.mark.e2e

FORKS = "multiprocessing.forkserver"


def test_the_framework_takes_the_process_that_was_begun_for_it(parley: Stack) -> None:
    log = (parley.folder / "logs" / "worker.log").read_text().splitlines()
    [wanted] = [json.loads(line)["packages"] for line in log if "preloading plugins" in line]
    assert tuple(wanted) == PRELOADED
    worker = psutil.Process(parley.pid("worker"))
    forking = [child for child in worker.children() if FORKS in " ".join(child.cmdline())]
    assert len(forking) == 1

"""What a livekit-server says of itself in its log alone."""

import re

from tests.cluster.node import Node


def node_id(server: Node) -> str:
    """As it was started last."""
    *_, last = re.finditer(r'"nodeID": "(ND_\w+)"', server.said())
    return last[1]


def workers_of(server: Node) -> set[str]:
    """Those that are registered with it, by its log since it was started last."""
    there: set[str] = set()
    since = server.said().rpartition("starting LiveKit server")[2]
    for came, worker in re.findall(
        r'\t(worker registered|closing worker)\t.*"workerID": "(\w+)"', since
    ):
        (there.add if came == "worker registered" else there.discard)(worker)
    return there

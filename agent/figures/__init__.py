"""What the worker counts for Prometheus, and how the figures of a call come to it.

A call is a process of its own. It sends each figure as it happens, in a datagram on loopback:
nobody waits for that, it leaves no file behind, and a call that is killed has told what it did
until then. (Prometheus's own way of several processes is a file a process and metric, which would
have to be kept for as long as the counter: for a process a call, for ever.)
"""

from agent.figures.call import CallFigures
from agent.figures.metrics import Metrics
from agent.figures.post import Figure, Post, receiving

__all__ = ["CallFigures", "Figure", "Metrics", "Post", "receiving"]

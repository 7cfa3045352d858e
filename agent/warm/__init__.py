"""Warm transfer: a colleague is rung, told of the call, asked, and brought together with the caller."""

from agent.warm.colleague import Colleague, NotJoinedError
from agent.warm.introduction import Introduction
from agent.warm.room import rung

__all__ = ["Colleague", "Introduction", "NotJoinedError", "rung"]

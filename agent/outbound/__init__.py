"""Manners of calls that the agent places: who speaks first, and what a machine is told."""

from agent.outbound.opening import Opening

__all__ = ["Opening"]

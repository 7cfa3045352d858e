"""Who has the word: what makes the agent stop, what does not, and how soon it answers then."""

from agent.barge_in.floor import Floor

__all__ = ["Floor"]

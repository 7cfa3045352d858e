"""A call's sound, in stereo: the caller left, the agent right."""

from agent.recording.files import SUFFIXES, UNFINISHED, Kind
from agent.recording.recorder import RATE, Overheard, Recorder

__all__ = ["RATE", "SUFFIXES", "UNFINISHED", "Kind", "Overheard", "Recorder"]

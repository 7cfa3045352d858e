"""The agent's sound on its way to the room: bounded, paused without loss, faded out, counted."""

from agent.playback.chain import chain
from agent.playback.clock import PlayoutClock
from agent.playback.fade import faded
from agent.playback.output import Playback
from agent.playback.room import LEAD
from agent.trailing_clip import load_clip

__all__ = ["LEAD", "Playback", "PlayoutClock", "chain", "faded", "load_clip"]

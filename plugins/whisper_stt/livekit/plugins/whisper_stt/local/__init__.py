"""An engine on this machine, shared by all processes that ask for the same one.

Nobody counts users: each holds a shared lock on one file, which the system takes back however the
process ends, and the engine stops itself once it has had that file to itself for a while. Whoever
finds no engine starts one and hands it the lock that says so. No process id is ever trusted.
"""

from livekit.plugins.whisper_stt.local.engine import LINGER, Local

__all__ = ["LINGER", "Local"]

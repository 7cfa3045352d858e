"""Imported once by the process from which call processes are forked.

What is imported here is shared by all calls, and no call pays for it in its first second.
"""

import importlib

import agent.conversation
import agent.record
import agent.session

# What the language model's client would import with its first request.
LATE = ("anyio._backends._asyncio", "httpcore2", "openai.resources.chat.completions")

for name in LATE:
    importlib.import_module(name)

__all__ = ["agent"]

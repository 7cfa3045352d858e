"""Imported once by the process from which call processes are forked.

What is imported here is shared by all calls, and no call pays for it in its first second.
"""

import importlib

import agent.conversation
import agent.record
import agent.session

# What the framework would import with a call's first turn, and the language model's client with its
# first request.
LATE = (
    "anyio._backends._asyncio",
    "httpcore2",
    "livekit.agents.llm.async_toolset",
    "openai.resources.chat.completions",
)

for name in LATE:
    importlib.import_module(name)

__all__ = ["agent"]

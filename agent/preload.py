"""Imported once by the process from which call processes are forked.

What is imported here is shared by all calls, and no call pays for it in its first second.
"""

from openai import AsyncOpenAI

import agent.conversation
import agent.session

# The client's lazy imports happen when it is first asked for something.
assert AsyncOpenAI(base_url="http://127.0.0.1", api_key="unused").chat.completions is not None

__all__ = ["agent"]

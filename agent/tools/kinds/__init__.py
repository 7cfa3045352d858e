"""The kinds of tools that a persona may declare, told apart by `type`.

Nothing here imports the persona or runs a tool. Paths are relative to the folder of personas; times
are seconds.
"""

from agent.tools.kinds.base import Tool
from agent.tools.kinds.telephone import (
    CollectDigits,
    EndCall,
    Keys,
    SendDtmf,
    StopRecording,
    Tones,
    Transfer,
)
from agent.tools.kinds.work import Calendar, Http, Knowledge, Mcp, Python, TakeMessage

__all__ = [
    "Calendar",
    "CollectDigits",
    "EndCall",
    "Http",
    "Keys",
    "Knowledge",
    "Mcp",
    "Python",
    "SendDtmf",
    "StopRecording",
    "TakeMessage",
    "Tones",
    "Tool",
    "Transfer",
]

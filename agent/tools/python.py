"""A function of the operator's own, as a tool."""

import inspect

from livekit.agents import RunContext
from pydantic import BaseModel

from agent.tools.functions import LONGEST_DESCRIPTION, arguments_of, load
from agent.tools.guard import Work, in_thread
from agent.tools.kinds import Python


def calling(declared: Python) -> Work:
    """A plain function runs in a thread, so that one that hangs holds up nobody."""
    function = load(declared.function)

    async def call(_: RunContext[None], arguments: BaseModel) -> object:
        given = {name: getattr(arguments, name) for name in type(arguments).model_fields}
        if inspect.iscoroutinefunction(function):
            result: object = await function(**given)
        else:
            result = await in_thread(lambda: function(**given))
        return {"status": "done"} if result is None else result

    (name,) = declared.names()
    about = (inspect.getdoc(function) or "")[:LONGEST_DESCRIPTION]
    return Work(name, about, arguments_of(function), call, limit=declared.timeout_seconds)

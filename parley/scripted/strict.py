"""The histories that Gemma's chat template takes. It answers 400 to all others, and so do we."""

from collections.abc import Sequence

from parley.scripted.wire import Message


def fault(messages: Sequence[Message]) -> str | None:
    """Why a strict template would refuse the history; None if it would not.

    One system message at most, at the head. Then user and assistant in turn, beginning with the
    user and ending with somebody the model can answer; a message with tool calls counts as the
    assistant's, the results of all its calls as one turn of the user's. Nothing is empty.
    """
    for number, message in enumerate(messages):
        if message.role == "developer":
            return "the template knows no developer: use system"
        if message.role == "system" and number > 0:
            return "a system message may only stand first"
        if not message.text.strip() and not message.tool_calls:
            return f"message {number} ({message.role}) is empty"
        if message.tool_calls and message.role != "assistant":
            return f"message {number} ({message.role}) may not call tools"
    talk = messages[1:] if messages and messages[0].role == "system" else messages
    if not talk:
        return "there is nothing to answer"
    return _order_fault(talk)


def _order_fault(talk: Sequence[Message]) -> str | None:
    waiting: list[str] = []
    users_turn = True
    for message in talk:
        if waiting or message.role == "tool":
            if message.role != "tool" or message.tool_call_id not in waiting:
                return "tool calls must be followed by the result of each, and of no other"
            waiting.remove(message.tool_call_id)
            users_turn = bool(waiting)
            continue
        if (message.role == "user") != users_turn:
            return "conversation roles must alternate user/assistant/user/assistant/..."
        waiting = [call.id for call in message.tool_calls]
        users_turn = not users_turn
    if waiting:
        return "tool calls must be followed by the result of each, and of no other"
    return "the last message must be the user's or a tool's" if users_turn else None

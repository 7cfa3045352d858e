"""What is sent to a language model, so that the strictest chat template takes it. Pure.

Gemma's template raises on anything but one system message and then user and assistant in turn,
and vLLM makes a 400 of that; the framework sends the history as it stands.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from livekit.agents import llm

from agent.memory import START
from agent.persona.policies import Memory as Budget

CONNECTED = "(the call is connected)"
"""Stands for the user where the assistant speaks first."""
SILENT = "(the caller says nothing)"
"""Stands for the user where the assistant is asked to speak once more."""
UNANSWERED = "(says nothing)"
"""Stands for the assistant where the caller spoke on before a tool's result was answered."""
NO_RESULT = "(no result)"
LETTERS_A_TOKEN = 4
NO_NOTES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class ToolUse:
    """A call and what came of it: one is never sent without the other."""

    call_id: str
    name: str
    arguments: str
    result: str


@dataclass(frozen=True)
class Turn:
    """Words, then tools used; only the assistant uses tools."""

    role: Literal["system", "user", "assistant"]
    text: str = ""
    uses: tuple[ToolUse, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.text.strip() and not self.uses

    @property
    def messages(self) -> int:
        """That it is sent as: calls go with the words before them, each result is one."""
        return 1 + len(self.uses)

    @property
    def tokens(self) -> int:
        """By estimate."""
        used = sum(len(use.name + use.arguments + use.result) for use in self.uses)
        return -(-(len(self.text) + used) // LETTERS_A_TOKEN)


def fit(turns: Iterable[Turn]) -> list[Turn]:
    """One system turn at most, then user and assistant in turn; the model has the next word.

    No word is lost and the order is kept, but that system turns move to the head. Turns of one
    role that meet are joined, a line each. Results of tools count as the user's turn.
    """
    given = [turn for turn in turns if not turn.is_empty]
    system = [turn for turn in given if turn.role == "system"]
    talk: list[Turn] = []
    for turn in given:
        if turn.role != "system":
            _append(talk, turn)
    if not talk:
        talk.append(Turn("user", CONNECTED))
    elif talk[-1].role == "assistant" and not talk[-1].uses:
        talk.append(Turn("user", SILENT))
    head = [Turn("system", "\n\n".join(turn.text for turn in system))] if system else []
    return [*head, *talk]


def trim(turns: Sequence[Turn], budget: Budget) -> list[Turn]:
    """The newest of fitted turns that the budget allows, and every system turn.

    What goes, goes whole: the caller's words with all that was answered and looked up. The last
    of these stays, however long it is.
    """
    head = [turn for turn in turns if turn.role == "system"]
    talk = turns[len(head) :]
    starts = [place for place, turn in enumerate(talk) if turn.role == "user"]
    for start in starts:
        kept = talk[start:]
        fits = sum(turn.messages for turn in kept) <= budget.max_messages
        if budget.max_tokens is not None:
            fits = fits and sum(turn.tokens for turn in kept) <= budget.max_tokens
        if fits:
            return [*head, *kept]
    return [*head, *talk[starts[-1] :]]


def _append(talk: list[Turn], turn: Turn) -> None:
    last = talk[-1] if talk else None
    if turn.role == "user":
        if last is not None and last.uses:
            talk.append(Turn("assistant", UNANSWERED))
        elif last is not None and last.role == "user":
            talk[-1] = _joined(last, turn)
            return
    elif last is None:
        talk.append(Turn("user", CONNECTED))
    elif last.role == "assistant" and not last.uses:
        talk[-1] = _joined(last, turn)
        return
    talk.append(turn)


def _joined(first: Turn, second: Turn) -> Turn:
    text = "\n".join(text for text in (first.text, second.text) if text.strip())
    return replace(first, text=text, uses=second.uses)


def strict_context(
    context: llm.ChatContext,
    budget: Budget = Budget(),  # noqa: B008  # frozen
    notes: Mapping[str, str] = NO_NOTES,
) -> llm.ChatContext:
    """`fit` and `trim` for LiveKit's history: a new context of new items; the given one stays.

    `notes` go before the caller's next words after the item whose id they have (see memory.py).
    Items that are no talk (handoffs, configuration), images, calls without a result and results
    without a call are left out. What the agent said while a tool was at work stands before the call.
    """
    items = context.items
    calls = {item.call_id: item for item in items if item.type == "function_call"}
    results = {item.call_id: item for item in items if item.type == "function_call_output"}
    ordered = _with_fillers_before(items, results.keys())
    fitted: list[llm.ChatItem] = []
    for number, turn in enumerate(trim(fit(_turns(ordered, results, notes)), budget)):
        # The formatter puts a message and calls together when their ids begin alike.
        group = f"turn_{number}"
        if turn.text.strip():
            fitted.append(
                llm.ChatMessage(id=group, role=turn.role, content=[turn.text], created_at=number)
            )
        for use in turn.uses:
            call, result = calls[use.call_id], results[use.call_id]
            own = {"id": f"{group}/{use.call_id}", "group_id": None, "arguments": use.arguments}
            fitted.append(call.model_copy(update=own))
            fitted.append(result.model_copy(update={"output": use.result}))
    return llm.ChatContext(fitted)


def _with_fillers_before(
    items: Sequence[llm.ChatItem], answered: Collection[str]
) -> Sequence[llm.ChatItem]:
    """A filler between a call and its result would have the last word, which is the result's."""
    ordered: list[llm.ChatItem] = []
    open_calls: set[str] = set()
    place = 0
    for item in items:
        if item.type == "function_call" and item.call_id in answered:
            place = place if open_calls else len(ordered)
            open_calls.add(item.call_id)
        elif item.type == "function_call_output":
            open_calls.discard(item.call_id)
        elif item.type == "message" and item.role == "user":
            open_calls.clear()  # what the agent says to this is no filler
        elif open_calls and item.type == "message" and item.role == "assistant":
            ordered.insert(place, item)
            place += 1
            continue
        ordered.append(item)
    return ordered


def _turns(
    items: Sequence[llm.ChatItem],
    results: dict[str, llm.FunctionCallOutput],
    notes: Mapping[str, str],
) -> Iterable[Turn]:
    used: set[str] = set()
    owed = [notes[START]] if START in notes else []
    for item in items:
        if item.type == "message":
            role = "system" if item.role == "developer" else item.role
            text = item.raw_text_content or ""
            if role == "user" and text.strip():
                text, owed = "\n".join([*owed, text]), []
            yield Turn(role, text)
        elif item.type == "function_call" and item.call_id in results.keys() - used:
            used.add(item.call_id)
            result = results[item.call_id].output
            use = ToolUse(
                item.call_id,
                item.name,
                item.arguments.strip() or "{}",
                result if result.strip() else NO_RESULT,
            )
            yield Turn("assistant", uses=(use,))
        if item.id in notes:
            owed.append(notes[item.id])

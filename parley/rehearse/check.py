"""What may be asked of a rehearsed call, and whether it holds. Pure."""

from difflib import SequenceMatcher
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from parley.rehearse.record import Record, in_order
from sip.simulate.report import missing_words

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
Seconds = Annotated[float, Field(gt=0, le=3600)]

OF_A_REPLY = frozenset({"contains", "not_contains", "within", "silent_within", "never_silent"})


class Check(BaseModel):
    """Exactly one thing. Words are whole words, in any case."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    reply: Annotated[int, Field(ge=1)] | None = None
    """The turn, counted from 1, whose reply is meant; without one the whole call."""
    contains: Texts | None = None
    """The agent was heard to say all of these."""
    not_contains: Texts | None = None
    """The agent was heard to say none of these."""
    never_says: Texts | None = None
    """Neither heard nor kept in the history, in the whole call."""
    heard_all_of: Text | None = None
    """These words were heard one after another, none lost and none between."""
    history_is_heard: Literal[True] | None = None
    """The history holds what was heard, but for one word an interruption."""
    told_model: Text | None = None
    """The model was sent this."""
    never_told: Text | None = None
    """The model was never sent this."""
    forgotten: Text | None = None
    """The model was sent this once, and at last no more."""
    tool_called: Text | None = None
    arguments: dict[str, Any] | None = None
    """Of that tool's call, those that are named."""
    never_calls: Text | None = None
    """A tool."""
    pressed: Text | None = None
    """Keys that the agent pressed, in all."""
    transferred_to: Text | None = None
    """A number."""
    within: Seconds | None = None
    """From the end of the caller's turn to the first sound of its reply."""
    silent_within: Seconds | None = None
    """From the beginning of the caller's turn to the agent's silence."""
    never_silent: Seconds | None = None
    """Neither side was silent for longer."""
    interruptions: Annotated[int, Field(ge=0)] | None = None
    outcome: Literal["answered", "machine"] | None = None
    """Of a call that the agent placed."""
    ends_with: Text | None = None
    """The reason for which the call ended."""
    judge: Text | None = None
    """A model answers yes to this question on the transcript."""

    @property
    def kind(self) -> str:
        return next(name for name in KINDS if getattr(self, name) is not None)

    def __str__(self) -> str:
        value = getattr(self, self.kind)
        what = ", ".join(value) if isinstance(value, tuple) else str(value)
        return f"{self.kind} {what}" + (f" (reply to turn {self.reply})" if self.reply else "")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(getattr(self, name) is not None for name in KINDS) != 1:
            raise ValueError(f"give exactly one of {', '.join(KINDS)}")
        if self.arguments is not None and self.tool_called is None:
            raise ValueError("arguments are those of tool_called")
        if self.reply is not None and self.kind not in OF_A_REPLY:
            raise ValueError(f"{self.kind} is asked of the whole call: leave reply out")
        if self.kind in {"within", "silent_within"} and self.reply is None:
            raise ValueError(f"{self.kind} needs reply: the turn that is meant")
        return self


KINDS = tuple(name for name in Check.model_fields if name not in {"reply", "arguments"})


def failure(check: Check, record: Record) -> str | None:
    """Why it does not hold; None where it does. A judge is not asked here."""
    try:
        return _FAILURES[check.kind](check, record)
    except LookupError as error:
        return str(error.args[0])


def _contains(check: Check, record: Record) -> str | None:
    said = record.agent_words(*record.window(check.reply))
    missing = missing_words(said, check.contains or ())
    return f"lacks {_quoted(missing)}: {said!r}" if missing else None


def _not_contains(check: Check, record: Record) -> str | None:
    return _found(check.not_contains or (), record.agent_words(*record.window(check.reply)))


def _never_says(check: Check, record: Record) -> str | None:
    return _found(check.never_says or (), "\n".join([record.agent_words(), *record.history]))


def _found(unwanted: tuple[str, ...], said: str) -> str | None:
    found = [word for word in unwanted if not missing_words(said, [word])]
    return f"has {_quoted(found)}: {said!r}" if found else None


def _heard_all_of(check: Check, record: Record) -> str | None:
    said = record.agent_words()
    return None if in_order(check.heard_all_of or "", said) else f"heard was {said!r}"


def _history_is_heard(_: Check, record: Record) -> str | None:
    heard, kept = record.agent_words().split(), " ".join(record.history).split()
    blocks = SequenceMatcher(None, heard, kept, autojunk=False).get_matching_blocks()
    wrong = max(len(heard), len(kept)) - sum(block.size for block in blocks)
    if wrong <= max(1, record.interruptions):
        return None
    return f"heard was {' '.join(heard)!r}, the history has {' '.join(kept)!r}"


def _told_model(check: Check, record: Record) -> str | None:
    wanted = check.told_model or ""
    if any(wanted in prompt for prompt in record.prompts):
        return None
    last = record.prompts[-1].splitlines()[-3:] if record.prompts else ["nothing"]
    return f"it was sent, at last, {' / '.join(last)!r}"


def _never_told(check: Check, record: Record) -> str | None:
    unwanted = check.never_told or ""
    return "it was sent that" if any(unwanted in prompt for prompt in record.prompts) else None


def _forgotten(check: Check, record: Record) -> str | None:
    text = check.forgotten or ""
    told = [text in prompt for prompt in record.prompts]
    if not any(told):
        return "it was never sent that"
    return "it was sent that to the last" if told[-1] else None


def _tool_called(check: Check, record: Record) -> str | None:
    wanted = check.arguments or {}
    for use in record.tools:
        if use.name == check.tool_called and wanted.items() <= use.arguments.items():
            return None
    called = ", ".join(f"{use.name}({use.arguments})" for use in record.tools)
    return f"called were: {called or 'none'}"


def _never_calls(check: Check, record: Record) -> str | None:
    calls = [use for use in record.tools if use.name == check.never_calls]
    return f"it was called with {calls[0].arguments}" if calls else None


def _pressed(check: Check, record: Record) -> str | None:
    return None if record.pressed == check.pressed else f"pressed was {record.pressed!r}"


def _transferred_to(check: Check, record: Record) -> str | None:
    to = record.transferred_to
    return None if to == check.transferred_to else f"transferred to {to or 'nobody'}"


def _within(check: Check, record: Record) -> str | None:
    assert check.reply is not None
    assert check.within is not None
    stopped = record.turn(check.reply).stopped
    _, until = record.window(check.reply)
    begun = [spell.start for spell in record.sound if stopped <= spell.start < until]
    if not begun:
        return "there was no reply"
    took = min(begun) - stopped
    return f"it took {took:.2f} s" if took > check.within else None


def _silent_within(check: Check, record: Record) -> str | None:
    assert check.reply is not None
    assert check.silent_within is not None
    start = record.turn(check.reply).start
    ends = [spell.end for spell in record.sound if spell.start <= start < spell.end]
    if not ends:
        return "the agent was not speaking"
    took = max(ends) - start
    return f"it took {took:.2f} s" if took > check.silent_within else None


def _never_silent(check: Check, record: Record) -> str | None:
    since, until = record.window(check.reply)
    assert check.never_silent is not None
    longest = max(record.silences(since, until), default=0.0)
    return f"silence of {longest:.2f} s" if longest > check.never_silent else None


def _interruptions(check: Check, record: Record) -> str | None:
    count = record.interruptions
    return None if count == check.interruptions else f"there were {count}"


def _outcome(check: Check, record: Record) -> str | None:
    return None if record.outcome == check.outcome else f"it is {record.outcome or 'none'}"


def _ends_with(check: Check, record: Record) -> str | None:
    return None if record.ended == check.ends_with else f"it ended with {record.ended!r}"


_FAILURES = {
    "contains": _contains,
    "not_contains": _not_contains,
    "never_says": _never_says,
    "heard_all_of": _heard_all_of,
    "history_is_heard": _history_is_heard,
    "told_model": _told_model,
    "never_told": _never_told,
    "forgotten": _forgotten,
    "tool_called": _tool_called,
    "never_calls": _never_calls,
    "pressed": _pressed,
    "transferred_to": _transferred_to,
    "within": _within,
    "silent_within": _silent_within,
    "never_silent": _never_silent,
    "interruptions": _interruptions,
    "outcome": _outcome,
    "ends_with": _ends_with,
}


def _quoted(words: list[str]) -> str:
    return ", ".join(map(repr, words))

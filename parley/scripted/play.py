"""What the script's model answers to a history. Pure: the history alone is its memory."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from parley.scripted.matching import Matcher, find_option
from parley.scripted.script import Call, Entry, Form, Script
from parley.scripted.wire import Message

WHO_ANSWERED = "save_prediction"
"""The function by which the framework's answering-machine detection is told who spoke."""
A_PERSON = Call(name=WHO_ANSWERED, arguments={"label": "human"}, then="A person.")
"""Whom a script has no other word for."""


@dataclass(frozen=True)
class Answer:
    """Words, then perhaps a function call; or an HTTP error. Times in seconds."""

    text: str = ""
    call: Call | None = None
    status: int | None = None
    delay: float = 0.0
    pace: float | None = None


@dataclass(frozen=True)
class _Filling:
    """A form in progress."""

    form: Form
    known: dict[str, str] = field(default_factory=dict)

    def hear(self, words: str) -> "_Filling":
        heard = {
            part.name: option
            for part in self.form.fields
            if part.name not in self.known and (option := find_option(part, words)) is not None
        }
        return replace(self, known={**self.known, **heard})

    @property
    def missing(self) -> str | None:
        return next((part.asks for part in self.form.fields if part.name not in self.known), None)

    @property
    def again(self) -> str:
        return next(part.again for part in self.form.fields if part.name not in self.known)

    @property
    def answer(self) -> Answer:
        return Answer(self.missing or self.form.done.format(**self.known))


class Player:
    """Answers histories with one script; holds nothing between requests."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._matcher = Matcher(script)

    def answer(self, messages: Sequence[Message], tools: Collection[str]) -> Answer:
        """`tools`: the names of the functions that the request offers."""
        if messages[-1].role == "tool":
            return self._after_tool(messages)
        answer, filling = Answer(self._script.greeting), None
        for first, words in _utterances(messages):
            answer, filling = self._hear(words, filling, first=first)
        if WHO_ANSWERED in tools and (answer.call is None or answer.call.name != WHO_ANSWERED):
            return Answer(call=A_PERSON)
        return answer if answer.call and answer.call.name in tools else replace(answer, call=None)

    def _hear(
        self, words: str, filling: _Filling | None, *, first: bool
    ) -> tuple[Answer, _Filling | None]:
        if _is_direction(words):
            return Answer(self._script.greeting if first else self._script.silence), filling
        if filling is not None:
            return self._go_on(words, filling)
        entry = self._meant(words)
        if entry is None:
            return Answer(self._script.unknown), None
        if entry.form is not None:
            begun = _Filling(entry.form).hear(words)
            return begun.answer, begun if begun.missing else None
        return _answer(entry), None

    def _go_on(self, words: str, filling: _Filling) -> tuple[Answer, _Filling | None]:
        more = filling.hear(words)
        if more != filling:
            return more.answer, more if more.missing else None
        entry = self._meant(words)
        if entry is None or entry.form is filling.form:
            return Answer(filling.again), filling
        if entry.form is not None or entry.call is not None:
            return self._hear(words, None, first=False)
        answer = _answer(entry)
        if entry.says is None:
            return answer, filling
        return replace(answer, text=f"{entry.says} {filling.missing}"), filling

    def _meant(self, words: str) -> Entry | None:
        number = self._matcher.best(words)
        return None if number is None else self._script.entries[number]

    def _after_tool(self, messages: Sequence[Message]) -> Answer:
        called = [call.function.name for message in messages for call in message.tool_calls]
        for entry in self._script.entries:
            if entry.call and entry.call.name == called[-1]:
                return Answer(entry.call.then)
        return Answer(self._script.unknown)


def _answer(entry: Entry) -> Answer:
    return Answer(entry.says or "", entry.call, entry.status, entry.delay, entry.pace)


def _utterances(messages: Iterable[Message]) -> Iterable[tuple[bool, str]]:
    """What the caller said, one turn a line: turns left unanswered arrive as lines of one message."""
    lines = [
        line for message in messages if message.role == "user" for line in message.text.splitlines()
    ]
    return (
        (number == 0, line) for number, line in enumerate(line for line in lines if line.strip())
    )


def _is_direction(words: str) -> bool:
    """ "(the call is connected)": said by nobody."""
    return words.strip().startswith("(") and words.strip().endswith(")")

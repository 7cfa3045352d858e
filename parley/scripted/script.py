"""What a script file holds: the phrases the model understands, and what it says to them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from agent.yaml_file import BadFileError, read_yaml

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Call(_Part):
    """A function called after the words are said, if the request offers it."""

    name: Text
    arguments: dict[str, str] = {}
    then: Text
    """Said when the function's result comes back and words are asked for."""


class FormField(_Part):
    """One thing to find out, asked until one of the options is heard."""

    name: Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")]
    asks: Text
    again: Text
    options: list[Text] = Field(min_length=1)
    patterns: list[Text] = Field(default=["{}"], min_length=1)
    """How callers wrap an option, for the recogniser's grammar: `on {} please`."""

    def phrases(self) -> Iterator[str]:
        for pattern in self.patterns:
            for option in self.options:
                yield pattern.replace("{}", option)


class Form(_Part):
    fields: list[FormField] = Field(min_length=1)
    done: Text
    """Said when all is known; `{name of a field}` stands for what was heard."""

    @model_validator(mode="after")
    def _done_names_fields(self) -> Self:
        try:
            self.done.format(**{field.name: "" for field in self.fields})
        except (KeyError, IndexError, ValueError) as error:
            raise ValueError(f"done: {error} is not the name of a field") from error
        return self


class Entry(_Part):
    """What the model does when it hears one of the phrases: exactly one of `says`, `form`,
    `status` (an HTTP error) and `empty` (an answer without a word)."""

    name: Text
    hears: list[Text] = Field(min_length=1)
    says: Text | None = None
    form: Form | None = None
    status: int | None = Field(default=None, ge=400, le=599)
    empty: bool = False
    call: Call | None = None
    delay: float = Field(default=0.0, ge=0, le=60)
    """Seconds before the first word."""
    pace: float | None = Field(default=None, ge=0, le=5)
    """Seconds between words, where the server's own pace does not serve."""

    @model_validator(mode="after")
    def _one_deed(self) -> Self:
        deeds = [self.says is not None, self.form is not None, self.status is not None, self.empty]
        if sum(deeds) != 1:
            raise ValueError("give exactly one of says, form, status and empty")
        return self


class Script(_Part):
    greeting: Text
    """Said when the call is connected and nobody has spoken."""
    silence: Text
    """Said when the caller says nothing."""
    unknown: Text
    """Said to what no entry hears."""
    entries: list[Entry] = Field(min_length=1)
    others: list[Text] = []
    """What callers say though no entry answers it: only the recogniser needs it."""

    @field_validator("entries")
    @classmethod
    def _names_once(cls, entries: list[Entry]) -> list[Entry]:
        names = [entry.name for entry in entries]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{min(twice)!r} is named twice")
        return entries

    def phrases(self) -> Iterator[str]:
        """All that a caller may say."""
        for entry in self.entries:
            yield from entry.hears
            for field in entry.form.fields if entry.form else ():
                yield from field.phrases()
        yield from self.others


def load_scripts(folder: Path) -> dict[str, Script]:
    """Every `NAME.yaml` of the folder, by name. Raises `BadFileError`."""
    scripts = {path.stem: read_yaml(path, Script) for path in sorted(folder.glob("*.yaml"))}
    if not scripts:
        raise BadFileError(f"{folder}: holds no script (NAME.yaml)")
    return scripts

"""The JSON schema of a tool's arguments, as far as a persona may use it, and its strict check.

Only what a caller can say is there: texts, numbers, yes or no, and lists of them. Anything else in
a declaration is refused when the persona is read, so that nothing is left unchecked in a call.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, create_model, model_validator
from pydantic.alias_generators import to_camel

LONGEST_TEXT = 2000
LONGEST_LIST = 50

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,63}$")]


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=False
    )

    description: str | None = None


class TextSchema(_Part):
    type: Literal["string"]
    enum: tuple[str, ...] | None = None
    pattern: str | None = None
    min_length: Annotated[int, Field(ge=0)] = 0
    max_length: Annotated[int, Field(ge=1, le=LONGEST_TEXT)] = LONGEST_TEXT

    @model_validator(mode="after")
    def _pattern_is_one(self) -> "TextSchema":
        try:
            re.compile(self.pattern or "")
        except re.error as error:
            raise ValueError(f"pattern: not a regular expression: {error}") from error
        return self

    def python_type(self) -> Any:
        if self.enum:
            return Literal[self.enum]
        length = StringConstraints(
            strict=True, min_length=self.min_length, max_length=self.max_length
        )
        return Annotated[str, length, Field(pattern=self.pattern)]


class NumberSchema(_Part):
    type: Literal["integer", "number"]
    minimum: float | None = None
    maximum: float | None = None

    def python_type(self) -> Any:
        kind = int if self.type == "integer" else float
        limits = Field(strict=True, ge=self.minimum, le=self.maximum, allow_inf_nan=False)
        return Annotated[kind, limits if kind is float else _whole(self.minimum, self.maximum)]


class FlagSchema(_Part):
    type: Literal["boolean"]

    def python_type(self) -> Any:
        return Annotated[bool, Field(strict=True)]


Scalar = Annotated[TextSchema | NumberSchema | FlagSchema, Field(discriminator="type")]


class ListSchema(_Part):
    type: Literal["array"]
    items: Scalar
    max_items: Annotated[int, Field(ge=1, le=LONGEST_LIST)] = LONGEST_LIST

    def python_type(self) -> Any:
        return Annotated[list[self.items.python_type()], Field(max_length=self.max_items)]  # type: ignore[misc]  # made at run time


Property = Annotated[
    TextSchema | NumberSchema | FlagSchema | ListSchema, Field(discriminator="type")
]


class ArgumentsSchema(BaseModel):
    """An object's JSON schema; a key that is not among `properties` is never taken."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: Literal["object"] = "object"
    properties: dict[Key, Property] = Field(default_factory=dict)
    required: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _required_are_there(self) -> "ArgumentsSchema":
        for name in self.required:
            if name not in self.properties:
                raise ValueError(f"required: {name!r} is not among the properties")
        return self


def checker(schema: ArgumentsSchema, name: str) -> type[BaseModel]:
    """What checks a model's arguments: strict, and without room for more."""
    fields: dict[str, Any] = {}
    for number, (key, value) in enumerate(schema.properties.items()):
        kind = value.python_type()
        needed = key in schema.required
        fields[f"field_{number}"] = (
            (kind, Field(alias=key)) if needed else (kind | None, Field(None, alias=key))
        )
    made: type[BaseModel] = create_model(
        name, __config__=ConfigDict(extra="forbid", frozen=True), **fields
    )
    return made


def _whole(minimum: float | None, maximum: float | None) -> Any:
    return Field(
        strict=True,
        ge=None if minimum is None else int(minimum),
        le=None if maximum is None else int(maximum),
    )

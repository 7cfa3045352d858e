"""What an agent does with the call itself."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from agent.tools.kinds.base import Key, Number, Patience, Text, Tool, ToolName


class EndCall(Tool):
    """Hangs up when the goodbye has been heard. Every agent has it; declare it to describe it."""

    type: Literal["end_call"]
    description: Text | None = None

    def names(self) -> tuple[str, ...]:
        return ("end_call",)


class Transfer(Tool):
    """Hands the caller to somebody else and leaves."""

    type: Literal["transfer"]
    mode: Literal["cold", "warm"] = "cold"
    """Cold: the caller's own telephone is sent there. Warm: whoever it is, is rung, told and asked first."""
    transfers: Annotated[dict[ToolName, Number], Field(min_length=1, max_length=50)]
    """Who: a name for the model, the number it stands for. No other number can be reached."""
    description: Text | None = None
    ringing_seconds: Annotated[int, Field(ge=5, le=80)] = 30
    """Until nobody answers."""
    announcement: Text | None = None
    """Warm: said first."""
    summary_prompt: Text | None = None
    """Warm: how the mind sums the call up."""
    question: Text | None = None
    """Warm: said after the summary."""

    def names(self) -> tuple[str, ...]:
        return ("transfer_call",)


class Keys(Tool):
    """What the caller's keypad does by itself, without the model."""

    type: Literal["keys"]
    stop: Key | None = None
    """Makes the agent stop talking."""
    human: Key | None = None
    """Transfers to `to`."""
    to: ToolName | None = None
    """One of the names of the tool `transfer`."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.stop is None and self.human is None:
            raise ValueError("names no key: say `stop`, `human` or both")
        if self.stop == self.human:
            raise ValueError("`stop` and `human` are the same key")
        if (self.human is None) != (self.to is None):
            raise ValueError("`human` and `to` need each other")
        return self


class Tones(Tool):
    """Hears the caller's keys as tones in their sound, for lines that do not send them as events."""

    type: Literal["tones"]


class SendDtmf(Tool):
    """Presses keys, for a menu at the other end."""

    type: Literal["send_dtmf"]
    description: Text | None = None
    max_keys: Annotated[int, Field(ge=1, le=64)] = 24

    def names(self) -> tuple[str, ...]:
        return ("send_dtmf",)


class StopRecording(Tool):
    """Ends the recording of this call, for a caller who does not want it."""

    type: Literal["stop_recording"]
    description: Text | None = None
    discard: bool = False
    """Removes what was recorded before, too."""

    def names(self) -> tuple[str, ...]:
        return ("stop_recording",)


class CollectDigits(Tool):
    """Waits for digits, pressed or spoken."""

    type: Literal["collect_digits"]
    name: ToolName = "collect_digits"
    description: Text
    """When to use it, for the model."""
    by: Literal["keypad", "voice", "both"] = "both"
    min_digits: Annotated[int, Field(ge=1, le=32)] = 1
    max_digits: Annotated[int, Field(ge=1, le=32)] = 16
    terminator: Key | None = "#"
    """Ends the input early."""
    first_digit_seconds: Patience = 10.0
    between_digits_seconds: Patience = 4.0
    masked: bool = False
    """Kept from logs, history and model; a tool of type `http` can send them on by name."""
    show_last: Annotated[int, Field(ge=0, le=4)] = 0
    """Digits that the model gets of masked ones."""

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        if self.min_digits > self.max_digits:
            raise ValueError("min_digits is more than max_digits")
        if self.show_last and not self.masked:
            raise ValueError("show_last is for masked digits; all of these are shown")
        if self.show_last >= self.min_digits and self.masked:
            raise ValueError("show_last would show all of the shortest input")
        return self

    def names(self) -> tuple[str, ...]:
        return (self.name,)

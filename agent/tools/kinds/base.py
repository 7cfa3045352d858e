"""What all kinds of tools have in common."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
ToolName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
SecretName = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]
Number = Annotated[str, StringConstraints(pattern=r"^(\+[1-9]\d{1,14}|sip:[^\s@;]+@[^\s@;]+)$")]
"""E.164 (`+15550100`), or a SIP address."""
Key = Annotated[str, StringConstraints(pattern=r"^[0-9*#A-D]$")]
Patience = Annotated[float, Field(gt=0, le=120)]
Hours = Annotated[
    str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$")
]
Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Tool(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    def names(self) -> tuple[str, ...]:
        """Under which the model knows it."""
        return ()

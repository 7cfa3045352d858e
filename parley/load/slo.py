"""What must hold of calls under load: a file of bounds, and the verdict on figures. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agent.yaml_file import read_yaml
from parley.load.figures import Figures

Seconds = Annotated[float, Field(gt=0, le=60)]
Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True)
class Verdict:
    """`figure` is None where nothing was measured that could tell."""

    name: str
    figure: float | None
    bound: float
    met: bool


class Slo(BaseModel):
    """Bounds; what is not given is not asked for. Seconds at the caller, or shares of 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    setup_rate: Share | None = None
    """Of the calls, at least: those that are answered."""
    answer_p95: Seconds | None = None
    """INVITE to answer."""
    first_sound_p50: Seconds | None = None
    first_sound_p95: Seconds | None = None
    """The caller's last sound to the agent's first."""
    barge_in_p95: Seconds | None = None
    """The caller's first sound over the agent's to the agent's silence."""
    gaps_per_minute: Annotated[float, Field(ge=0)] | None = None
    """Holes of 60 ms and more in the agent's speech, in the calls that are overheard."""
    failures: Share | None = None
    """Of the turns and calls, at most: turns without a reply, and calls that broke."""

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if not self.model_dump(exclude_none=True):
            raise ValueError(f"asks for nothing: give one of {', '.join(type(self).model_fields)}")
        return self

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `agent.yaml_file.BadFileError`: file, line, key, what is wrong."""
        return read_yaml(path, cls)

    def judge(self, figures: Figures) -> list[Verdict]:
        """One for each bound. Where nothing was measured, it is met only if nothing could be."""
        return list(self._verdicts(figures))

    def _verdicts(self, figures: Figures) -> Iterator[Verdict]:
        bounds: dict[str, float] = self.model_dump(exclude_none=True)
        for name, bound in bounds.items():
            figure: float | None = getattr(figures, name)
            if figure is None:
                met = name not in figures.expected
            elif name == "setup_rate":
                met = figure >= bound
            else:
                met = figure <= bound
            yield Verdict(name, figure, bound, met)

"""What `parley load` writes: every step with its verdicts, and the capacity that follows."""

import os
import platform
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import psutil
from pydantic import BaseModel, ConfigDict, ValidationError

from parley.load.figures import Figures
from parley.load.search import Search
from parley.load.slo import Slo


class BadReportError(ValueError):
    """A file that is no report of ours; the message says which and why."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Judged(_Part):
    name: str
    figure: float | None
    bound: float
    met: bool


class Step(_Part):
    figures: Figures
    verdicts: tuple[Judged, ...]

    @property
    def carried(self) -> bool:
        return all(each.met for each in self.verdicts)

    @classmethod
    def of(cls, figures: Figures, slo: Slo) -> Self:
        judged = (
            Judged(name=each.name, figure=each.figure, bound=each.bound, met=each.met)
            for each in slo.judge(figures)
        )
        return cls(figures=figures, verdicts=tuple(judged))


class LoadReport(_Part):
    """`steps` by calls at once. `capacity` is the greatest number that met the SLO; 0: none did."""

    version: Literal[1] = 1
    machine: dict[str, str | int | float]
    options: dict[str, int | float | str]
    slo: Slo
    steps: tuple[Step, ...]
    capacity: int

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises `BadReportError`."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BadReportError(f"{path}: cannot be read: {error.strerror}") from None
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            why = f"{place}: {first['msg']}" if place else first["msg"]
            raise BadReportError(f"{path}: no report of `parley load`: {why}") from None

    def lines(self) -> Iterator[str]:
        """For a terminal."""
        yield _row("calls", "made", "setup", "answer p95", "first sound p50 p95", "barge-in p95")
        for step in self.steps:
            yield step_line(step)
        most = self.steps[-1].figures.calls if self.steps else 0
        beyond = "" if self.capacity < most else " at least: no more were tried"
        yield f"capacity: {self.capacity} calls at once{beyond}"


class Carrying(Protocol):
    """Makes so many calls at once, and says what they were like."""

    def __call__(self, calls: int, /) -> Awaitable[Figures]: ...


async def measure(
    search: Search, callers: Carrying, slo: Slo, told: Callable[[Step], None]
) -> tuple[Step, ...]:
    """All steps, by calls at once; `told` of each when it is over."""
    steps = []
    while (calls := search.next()) is not None:
        step = Step.of(await callers(calls), slo)
        search.tell(calls, carried=step.carried)
        steps.append(step)
        told(step)
    return tuple(sorted(steps, key=lambda step: step.figures.calls))


def step_line(step: Step) -> str:
    figures = step.figures
    missed = [each.name for each in step.verdicts if not each.met]
    sounds = f"{_shown(figures.first_sound_p50)} {_shown(figures.first_sound_p95)}"
    row = _row(
        str(figures.calls),
        str(figures.made),
        f"{figures.setup_rate:.0%}",
        _shown(figures.answer_p95),
        sounds,
        _shown(figures.barge_in_p95),
    )
    why = f" ({figures.why[0]})" if missed and figures.why else ""
    return f"{row}  {'missed: ' + ', '.join(missed) + why if missed else 'met'}"


def _row(*cells: str) -> str:
    return "".join(
        f"{cell:>{width}}" for cell, width in zip(cells, (5, 6, 7, 12, 21, 14), strict=True)
    )


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f} s"


def facts() -> dict[str, Any]:
    """Of this machine, now."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": round(os.getloadavg()[0], 2),
    }

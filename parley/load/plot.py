"""Line charts as SVG, for a page without any other file. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

WIDE, HIGH = 460, 256
LEFT, RIGHT, TOP, FOOT = 44, 12, 30, 60
"""Pixels around the plot."""

LETTER = 6.4
"""Pixels of one in the legend, about."""

TICKS = (1, 2, 2.5, 5, 10)
LINES = 5
"""Of the grid, about."""


@dataclass(frozen=True)
class Chart:
    """`series` by name: one value for each of `at`, None where there is none; `bound` is drawn across."""

    title: str
    unit: str
    at: Sequence[int]
    series: Mapping[str, Sequence[float | None]]
    bound: float | None = None

    def svg(self) -> str:
        return "\n".join(self._parts())

    def _parts(self) -> Iterator[str]:
        top = self._top()
        label = escape(f"{self.title}, {self.unit}")
        yield f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{label}">'
        yield f'<text x="{LEFT}" y="16" class="title">{label}</text>'
        yield from self._grid(top)
        if self.bound is not None:
            y = self._y(self.bound, top)
            yield f'<line x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y}" y2="{y}" class="bound"/>'
        for place, values in enumerate(self.series.values()):
            yield from self._line(place, values, top)
        yield from self._legend()
        yield "</svg>"

    def _grid(self, top: float) -> Iterator[str]:
        step = tick(top)
        for n in range(int(top / step + 1e-9) + 1):
            y = self._y(n * step, top)
            yield f'<line x1="{LEFT}" x2="{WIDE - RIGHT}" y1="{y}" y2="{y}" class="grid"/>'
            yield f'<text x="{LEFT - 6}" y="{y + 4}" class="right">{n * step:g}</text>'
        for calls in self.at:
            yield f'<text x="{self._x(calls)}" y="{HIGH - FOOT + 16}" class="middle">{calls}</text>'

    def _legend(self) -> Iterator[str]:
        """Names in a row, and in a second one where they need it."""
        x, y = float(LEFT), HIGH - 26
        for place, name in enumerate(self.series):
            wide = 26 + LETTER * len(name)
            if x + wide > WIDE and x > LEFT:
                x, y = float(LEFT), y + 18
            yield f'<circle cx="{x + 4:.0f}" cy="{y}" r="4" class="dot s{place % 8}"/>'
            yield f'<text x="{x + 12:.0f}" y="{y + 4}">{escape(name)}</text>'
            x += wide

    def _line(self, place: int, values: Sequence[float | None], top: float) -> Iterator[str]:
        known = [
            (self._x(calls), self._y(value, top))
            for calls, value in zip(self.at, values, strict=True)
            if value is not None
        ]
        points = " ".join(f"{x},{y}" for x, y in known)
        yield f'<polyline points="{points}" class="line s{place % 8}"/>'
        yield from (f'<circle cx="{x}" cy="{y}" r="3" class="dot s{place % 8}"/>' for x, y in known)

    def _top(self) -> float:
        values = [value for each in self.series.values() for value in each if value is not None]
        greatest = max([*values, self.bound or 0.0], default=0.0)
        return 1.1 * greatest or 1.0

    def _x(self, calls: int) -> float:
        first, last = min(self.at), max(self.at)
        span = (last - first) or 1
        return round(LEFT + 12 + (calls - first) / span * (WIDE - LEFT - RIGHT - 24), 1)

    def _y(self, value: float, top: float) -> float:
        return round(HIGH - FOOT - value / top * (HIGH - FOOT - TOP), 1)


def tick(top: float) -> float:
    """A round distance between lines of the grid, of which `top` has about `LINES`."""
    size = 1.0
    while size > top / LINES:
        size /= 10
    while size * 10 <= top / LINES:
        size *= 10
    return next(size * each for each in TICKS if size * each >= top / LINES)

"""What bench.turns prints and draws."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import median, quantiles

from bench.simulated_table import line as row
from bench.turns_clips import LINES, MU_LAW, Line
from bench.turns_replay import TODAY, Cost, Point, frontier, told_apart
from bench.turns_score import Score

RECORDED = "recording"
SHOWN_WAITS = (0.5, 0.6, 0.7, 0.8, 1.0, 1.2, 1.5)
SHOWN_THRESHOLDS = (0.15, 0.25, 0.36, 1.0)


def page(scores: Sequence[Score], costs: Mapping[Point, Cost]) -> list[str]:
    return [
        "# Turns over a telephone",
        *_clips(scores),
        "",
        "## What the model says",
        "",
        *_lines(scores),
        "",
        *_kinds(scores),
        "",
        "## What a point costs, over mu-law",
        "",
        *_points(costs),
    ]


def _clips(scores: Sequence[Score]) -> Iterator[str]:
    here = [each for each in scores if each.line == MU_LAW]
    real = [each for each in here if each.kind.startswith(RECORDED)]
    ends = sum(each.ended for each in real)
    yield f"Recordings: {ends} ends and {len(real) - ends} pauses, all read or a speech."
    yield f"Spoken by flite: {len(here) - len(real)} silences after scripted phrases."


def _lines(scores: Sequence[Score]) -> Iterator[str]:
    yield row(("line", "ends: quartiles", "pauses: quartiles", "told apart: flite", "recordings"))
    yield "|---|---|---|---|---|"
    for line in LINES:
        those = [each for each in scores if each.line == line]
        parts = [
            [each for each in those if each.kind.startswith(RECORDED) is real]
            for real in (False, True)
        ]
        yield row(
            (
                _name(line),
                _quartiles(each.probability for each in parts[0] if each.ended),
                _quartiles(each.probability for each in parts[0] if not each.ended),
                *map(_apart, parts),
            )
        )
    yield ""
    yield "Quartiles are of flite's. *Told apart*: how often an end scores above a pause; 0.50 is chance."


def _name(line: Line) -> str:
    return f"{line.law}, {line.level:g} dB"


def _apart(scores: Sequence[Score]) -> str:
    ends, pauses = (
        [each.probability for each in scores if each.ended is ended] for ended in (True, False)
    )
    return f"{told_apart(ends, pauses):.2f}" if ends and pauses else "none"


def _quartiles(values: Iterable[float]) -> str:
    return " / ".join(f"{at:.2f}" for at in quantiles(values, n=4))


def _kinds(scores: Sequence[Score]) -> Iterator[str]:
    here = [each for each in scores if each.line == MU_LAW]
    yield row(("over mu-law", "silences", "median", f"under {TODAY.threshold:g}"))
    yield "|---|---|---|---|"
    for ended, kind in sorted({(each.ended, each.kind) for each in here}, reverse=True):
        those = [each.probability for each in here if (each.ended, each.kind) == (ended, kind)]
        under = sum(value < TODAY.threshold for value in those) / len(those)
        name = f"{'end' if ended else 'pause'}: {kind}"
        yield row((name, str(len(those)), f"{median(those):.2f}", f"{100 * under:.0f} %"))


def _points(costs: Mapping[Point, Cost]) -> Iterator[str]:
    heads = ("threshold", "wait", "longest wait", "after an end, mean / p95")
    yield row((*heads, "pauses taken for an end", "pauses spoken into"))
    yield "|---|---|---|---|---|---|"
    for threshold in SHOWN_THRESHOLDS:
        for most in SHOWN_WAITS:
            point = Point(threshold, TODAY.least, most)
            cost, today = costs[point], "**" if point == TODAY else ""
            name = "none" if threshold == 1.0 else f"{threshold:g}"
            cells = (
                f"{today}{name}{today}",
                f"{point.least:g} s",
                f"{most:g} s",
                f"{cost.waited:.2f} / {cost.at_most:.2f} s",
                f"{100 * cost.taken:.0f} %",
                f"{100 * cost.cut:.0f} %",
            )
            yield row(cells)


WIDTH, HEIGHT, EDGE = 560, 320, 40
LONGEST, SHORTEST = 1.2, 0.4


def curve(costs: Mapping[Point, Cost], none: float) -> str:
    """The best points with the model, and those without: seconds waited, by share spoken into."""
    plain = {point: cost for point, cost in costs.items() if point.threshold == none}
    model = {point: cost for point, cost in costs.items() if point.threshold != none}
    x, y = _place(costs[TODAY])
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="11">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
            *_axes(),
            _path(frontier(model).values(), "#c0392b"),
            _path(frontier(plain).values(), "#7f8c8d"),
            f'<circle cx="{x:.0f}" cy="{y:.0f}" r="4"/>',
            f'<text x="{x + 8:.0f}" y="{y - 6:.0f}">chosen</text>',
            f'<text x="{WIDTH - 190}" y="20" fill="#c0392b">best points with v1-mini</text>',
            f'<text x="{WIDTH - 190}" y="36" fill="#7f8c8d">one wait for every turn</text>',
            "</svg>",
            "",
        ]
    )


def _place(cost: Cost) -> tuple[float, float]:
    along = (cost.waited - SHORTEST) / (LONGEST - SHORTEST)
    return EDGE + along * (WIDTH - 2 * EDGE), HEIGHT - EDGE - cost.cut * (HEIGHT - 2 * EDGE)


def _path(costs: Iterable[Cost], colour: str) -> str:
    places = [_place(cost) for cost in costs if cost.waited <= LONGEST]
    points = " ".join(f"{x:.0f},{y:.0f}" for x, y in places)
    return f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'


def _axes() -> Iterator[str]:
    bottom = HEIGHT - EDGE
    yield f'<path d="M{EDGE} {EDGE}V{bottom}H{WIDTH - EDGE}" fill="none" stroke="black"/>'
    for share in (0, 0.25, 0.5, 0.75, 1):
        _, y = _place(Cost(taken=0, cut=share, waited=SHORTEST, at_most=0))
        yield f'<text x="4" y="{y + 4:.0f}">{100 * share:.0f} %</text>'
    for seconds in (0.4, 0.6, 0.8, 1.0, 1.2):
        x, _ = _place(Cost(taken=0, cut=0, waited=seconds, at_most=0))
        yield f'<text x="{x - 8:.0f}" y="{bottom + 16}">{seconds:g}</text>'
    yield f'<text x="{EDGE}" y="{HEIGHT - 8}">mean seconds of silence after an end</text>'
    yield f'<text x="{EDGE}" y="{EDGE - 16}">pauses spoken into</text>'

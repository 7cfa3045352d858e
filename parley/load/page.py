"""The report of a load as a page of its own, with its plots and no other file. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape

from parley.load.plot import Chart
from parley.load.report import LoadReport, Step

STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #d8dce1; --bad: #b3261e }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e7eb; --paper: #16191d; --faint: #363c44; --bad: #ff8a80 } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 980px; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums }
th, td { text-align: right; padding: .25rem .6rem; border-bottom: 1px solid var(--faint) }
th:last-child, td:last-child { text-align: left }
.missed { color: var(--bad) }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(400px, 1fr)); gap: 1rem }
svg text { font: 11px system-ui, sans-serif; fill: var(--ink) }
svg .title { font-weight: 600; font-size: 12px }
svg .right { text-anchor: end } svg .middle { text-anchor: middle }
svg .grid { stroke: var(--faint) }
svg .bound { stroke: var(--bad); stroke-dasharray: 5 4 }
svg .line { fill: none; stroke-width: 2 }
.s0 { stroke: #2f6fde; fill: #2f6fde } .s1 { stroke: #d9822b; fill: #d9822b }
.s2 { stroke: #2e9e6b; fill: #2e9e6b } .s3 { stroke: #a05bd0; fill: #a05bd0 }
.s4 { stroke: #c94f7c; fill: #c94f7c } .s5 { stroke: #1f9fb5; fill: #1f9fb5 }
.s6 { stroke: #8b8f2a; fill: #8b8f2a } .s7 { stroke: #7a7f87; fill: #7a7f87 }
"""


def page(report: LoadReport) -> str:
    return "\n".join(_page(report)) + "\n"


def _page(report: LoadReport) -> Iterator[str]:
    yield '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">'
    yield "<title>Parley under load</title>"
    yield f"<style>{STYLE}</style>"
    yield "<h1>Parley under load</h1>"
    yield f"<p><strong>{report.capacity} calls at once</strong> met the SLO on this machine.</p>"
    yield f"<p>{_joined(report.machine)}</p><p>{_joined(report.options)}</p>"
    yield "<div class='charts'>"
    yield from (chart.svg() for chart in charts(report))
    yield "</div>"
    yield from _table(report.steps)
    yield from _reasons(report.steps)
    yield "</html>"


def charts(report: LoadReport) -> list[Chart]:
    """Over calls at once. A step that measured nothing leaves a hole."""
    steps, slo = report.steps, report.slo
    if not steps:
        return []
    figures = [step.figures for step in steps]
    at = [each.calls for each in figures]
    sounds = {
        "p50": [each.first_sound_p50 for each in figures],
        "p95": [each.first_sound_p95 for each in figures],
    }
    rings = {
        "p50": [each.answer_p50 for each in figures],
        "p95": [each.answer_p95 for each in figures],
    }
    stops = {"p95": [each.barge_in_p95 for each in figures]}
    shares = {
        "failures": [each.failures for each in figures],
        "not answered": [round(1 - each.setup_rate, 4) for each in figures],
    }
    made = [
        Chart("Caller stops → first sound", "seconds", at, sounds, slo.first_sound_p95),
        Chart("INVITE → answer", "seconds", at, rings, slo.answer_p95),
        Chart("Barge-in → silence", "seconds", at, stops, slo.barge_in_p95),
        Chart("Failures", "share", at, shares, slo.failures),
    ]
    parts = list(figures[0].cores)
    if parts:
        busy = {part: [each.cores.get(part) for each in figures] for part in parts}
        made.append(Chart("Busy", "cores", at, busy))
    return made


def _table(steps: Sequence[Step]) -> Iterator[str]:
    heads = ("calls", "made", "answered", "answer p95", "first sound p50", "p95", "barge-in p95")
    more = ("gaps/min", "failures", "talk", "cores a call", "")
    yield "<table><tr>" + "".join(f"<th>{head}</th>" for head in (*heads, *more)) + "</tr>"
    for step in steps:
        cells = "".join(f"<td>{cell}</td>" for cell in _cells(step))
        missed = [each.name for each in step.verdicts if not each.met]
        verdict = f"missed {', '.join(missed)}" if missed else "met"
        kind = ' class="missed"' if missed else ""
        yield f"<tr>{cells}<td{kind}>{escape(verdict)}</td></tr>"
    yield "</table>"


def _cells(step: Step) -> list[str]:
    figures = step.figures
    busy = sum(value for part, value in figures.cores.items() if part != "callers")
    return [
        str(figures.calls),
        str(figures.made),
        f"{figures.setup_rate:.0%}",
        *map(
            _shown,
            (
                figures.answer_p95,
                figures.first_sound_p50,
                figures.first_sound_p95,
                figures.barge_in_p95,
                figures.gaps_per_minute,
            ),
        ),
        f"{figures.failures:.1%}",
        f"{figures.talk:.0%}",
        _shown(busy / figures.calls if figures.cores else None),
    ]


def _reasons(steps: Sequence[Step]) -> Iterator[str]:
    yield from (
        f"<p>{step.figures.calls} calls: {escape('; '.join(step.figures.why))}</p>"
        for step in steps
        if step.figures.why
    )


def _joined(facts: Mapping[str, str | int | float]) -> str:
    return escape("; ".join(f"{name}: {value}" for name, value in facts.items()))


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"

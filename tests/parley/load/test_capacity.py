"""The greatest number of calls that is carried is found, and what is written of it."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from parley.cli import app
from parley.load.compare import is_worse, lines
from parley.load.figures import Figures
from parley.load.page import charts, page
from parley.load.plot import Chart, tick
from parley.load.report import LoadReport, Step, measure
from parley.load.search import Search
from parley.load.slo import Slo
from parley.load.target import TargetError, check
from tests.parley.load.calls import call, figures, turn, unanswered

SLO = Slo(setup_rate=1.0, first_sound_p95=1.6)


@settings(deadline=None)
@given(st.integers(0, 300), st.integers(1, 200), st.integers(1, 8))
def test_the_search_finds_what_is_carried_in_few_steps(carries: int, most: int, first: int) -> None:
    search, tried = Search(most, min(first, most)), list[int]()
    while (calls := search.next()) is not None:
        tried.append(calls)
        search.tell(calls, carried=calls <= carries)
    assert search.carried == min(carries, most)
    assert len(tried) == len(set(tried)) <= 2 * most.bit_length() + 1
    assert all(1 <= calls <= most for calls in tried)


def fake_machine(carries: int) -> Any:
    """Beyond so many calls, one is not answered and the others wait."""

    async def callers(calls: int) -> Figures:
        late = 0.5 + 0.1 * calls if calls <= carries else 2.0
        made = [call(turn(late))] * calls + [unanswered()] * (calls > carries)
        return Figures.of(calls, made, {"worker": 0.1 * calls}, barges_in=False)

    return callers


async def report(carries: int, most: int = 16) -> LoadReport:
    told = list[Step]()
    search = Search(most)
    steps = await measure(search, fake_machine(carries), SLO, told.append)
    assert sorted(told, key=lambda step: step.figures.calls) == list(steps)
    return LoadReport(
        machine={"cores": 2}, options={"most": most}, slo=SLO, steps=steps, capacity=search.carried
    )


async def test_a_report_tells_the_capacity_and_why_more_are_not_carried() -> None:
    found = await report(carries=5)
    assert found.capacity == 5
    assert [step.figures.calls for step in found.steps] == [1, 2, 4, 5, 6, 8]
    said = "\n".join(found.lines())
    assert "capacity: 5 calls at once" in said
    assert "missed: setup_rate, first_sound_p95 (not answered: SIP/2.0 486 Busy Here)" in said
    assert "at least" not in said
    assert "at least" in "\n".join((await report(carries=99, most=8)).lines())


async def test_the_page_needs_no_other_file_and_its_plots_are_good_svg() -> None:
    found = await report(carries=5)
    text = page(found)
    assert "5 calls at once" in text
    assert not [each for each in ("src=", "href=", "@import", "url(", "<script") if each in text]
    for chart in charts(found):
        drawn = ElementTree.fromstring(chart.svg())
        assert len(drawn.findall("polyline")) == len(chart.series)
        dots = [each for each in drawn.findall("circle") if each.get("r") == "3"]
        known = [value for each in chart.series.values() for value in each if value is not None]
        assert len(dots) == len(known)


def test_a_plot_keeps_inside_its_frame_whatever_it_shows() -> None:
    drawn = Chart("<sound>", "s", [1, 4], {"p95 & more": [None, 3.0]}, bound=9.0).svg()
    places = [
        (float(each.get("cx", 0)), float(each.get("cy", 0)))
        for each in ElementTree.fromstring(drawn).findall("circle")
    ]
    assert all(0 <= x <= 460 and 0 <= y <= 256 for x, y in places)


@settings(deadline=None)
@given(st.floats(1e-6, 1e6))
def test_lines_of_a_grid_are_few_and_round(top: float) -> None:
    assert 2 <= top / tick(top) <= 5.0001


async def test_two_reports_are_compared_where_they_meet(tmp_path: Path) -> None:
    before, after = await report(carries=5), await report(carries=3)
    said = list(lines(before, after))
    assert said[0] == "capacity: 5 → 3 calls at once"
    assert "4 calls:" in said
    assert any(line.split()[:4] == ["first_sound_p95", "0.900", "→", "2.000"] for line in said)
    assert is_worse(before, after)
    for name, each in (("a", before), ("b", after)):
        (tmp_path / f"{name}.json").write_text(each.model_dump_json())
    run = CliRunner()
    files = [str(tmp_path / name) for name in ("a.json", "b.json")]
    assert run.invoke(app, ["load", "compare", *files]).exit_code == 1
    assert run.invoke(app, ["load", "compare", *reversed(files)]).exit_code == 0


@pytest.mark.parametrize("text", ["", "{}", '{"version": 2}', "[]"])
def test_a_file_that_is_no_report_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "load.json"
    file.write_text(text)
    ran = CliRunner().invoke(app, ["load", "compare", str(file), str(file)])
    assert ran.exit_code == 2
    assert f"{file}: no report of `parley load`" in " ".join(ran.output.split())


def test_a_load_stays_on_this_machine_unless_its_owner_lists_the_target() -> None:
    for own in ("127.0.0.1", "localhost"):
        check(own, [])
    check("192.0.2.7", ["192.0.2.7"])
    with pytest.raises(TargetError, match=r"192\.0\.2\.7 is not this machine.*PARLEY_LOAD_TARGETS"):
        check("192.0.2.7", ["192.0.2.8"])


def test_a_step_keeps_what_missed() -> None:
    step = Step.of(figures(2, first_sound_p95=2.0), SLO)
    assert not step.carried
    assert [each.name for each in step.verdicts if not each.met] == ["first_sound_p95"]

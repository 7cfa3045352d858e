"""`parley rehearse`: what it prints, and with which status and sentence it refuses."""

import json
import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner, Result

from parley.cli import app
from parley.rehearse.check import KINDS, Check
from parley.rehearse.scenario import Scenario, Turn

SCENARIO = """\
name: {name}
goal: Learns the address.
plays: receptionist
turns:
  - say: what is your address
checks:
  - contains: [{word}]
    reply: 1
"""


ENDLESS = """\
with:
  message_plan: {idle_timeout_seconds: 3600}
  limits: {max_duration_seconds: 86400}
"""


def rehearse(*options: str | Path) -> Result:
    return CliRunner().invoke(app, ["rehearse", *map(str, options)])


def written(folder: Path, name: str, word: str = "street", more: str = "") -> Path:
    file = folder / f"{name}.yaml"
    file.write_text(SCENARIO.format(name=name, word=word) + more)
    return file


def test_a_good_call_is_a_line_and_status_zero(tmp_path: Path) -> None:
    result = rehearse(written(tmp_path, "good"))
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0].startswith("passed   good")
    assert result.stdout.splitlines()[-1] == "1 passed, 0 failed, 0 skipped"


def test_a_failed_check_says_why_with_the_call_under_it(tmp_path: Path) -> None:
    result = rehearse(written(tmp_path, "bad", word="avenue"))
    assert result.exit_code == 1
    assert "failed   bad" in result.stdout
    assert "lacks 'avenue'" in result.stdout
    assert "| caller: what is your address" in result.stdout


def test_a_call_that_does_not_end_has_failed(tmp_path: Path) -> None:
    file = written(tmp_path, "endless", more=ENDLESS)
    file.write_text(file.read_text().replace("checks:", "  - silence: 3600\n" * 3 + "checks:"))
    result = rehearse(file)
    assert result.exit_code == 1
    assert "the call: it did not end in 7200 s" in result.stdout


def test_a_missing_feature_is_skipped_and_counts_for_nothing(tmp_path: Path) -> None:
    result = rehearse(written(tmp_path, "later", more="needs: a crystal ball\n"), "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["passed"], report["failed"], report["skipped"]) == (0, 0, 1)
    assert report["results"][0]["why"] == "needs a crystal ball"


def test_programs_get_one_object_and_ci_servers_junit(tmp_path: Path) -> None:
    written(tmp_path, "bad", word="avenue")
    written(tmp_path, "good")
    result = rehearse(tmp_path, "--json", "--junit", tmp_path / "junit.xml")
    assert result.exit_code == 1
    report = json.loads(result.stdout)
    assert (report["passed"], report["failed"]) == (1, 1)
    assert [each["status"] for each in report["results"]] == ["failed", "passed"]
    assert report["results"][1]["transcript"][1] == "caller: what is your address"
    suite = ET.parse(tmp_path / "junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    bad = suite.find("testcase[@name='bad']/failure")
    assert bad is not None
    assert "lacks 'avenue'" in (bad.get("message") or "")


@pytest.mark.parametrize(
    ("line", "new", "complaint"),
    [
        ("goal: Learns the address.", "goal:", "bad.yaml:2: goal"),
        ("goal: Learns the address.", "goal: g\ngaol: x", "bad.yaml:3: gaol: Extra inputs"),
        ("plays: receptionist", "plays: hamlet", "scripts/hamlet.yaml"),
        ("plays: receptionist", "persona: nobody\nplays: receptionist", "no such persona"),
        ("plays: receptionist", "turns: []", "given twice"),
        ("  - say: what is your address", "  - sing: la", "bad.yaml:5: turns.0.sing"),
        ("  - say: what is your address", "  - {say: a, noise: 1}", "bad.yaml:5: turns.0"),
        ("  - say: what is your address", "  - interrupt: a", "give after or at_word"),
        ("  - say: what is your address", "  - dtmf: x", "bad.yaml:5: turns.0.dtmf"),
        ("    reply: 1", "    reply: 2", "there is no turn 2"),
        ("name: bad", "name: good", "bad.yaml:1: name: must be 'bad'"),
        (
            "plays: receptionist",
            "with: {greetings: Hello}\nplays: receptionist",
            "scenario bad: personas/receptionist.yaml, as `with` changes it: greetings: Extra",
        ),
        (
            "plays: receptionist",
            "vars: {colour: red}\nplays: receptionist",
            "vars: persona 'receptionist' has no variable 'colour'",
        ),
        (
            "plays: receptionist",
            "model: {url: 'http://127.0.0.1/v1', model: m, key: UNSET}",
            "AGENT_SECRET_UNSET is not set",
        ),
    ],
)
def test_a_bad_scenario_is_refused_with_its_place(
    tmp_path: Path, line: str, new: str, complaint: str
) -> None:
    file = written(tmp_path, "bad")
    assert line in file.read_text()
    file.write_text(file.read_text().replace(line, new))
    result = rehearse(file)
    assert result.exit_code == 2
    assert complaint in result.stderr.replace(f"{Path.cwd()}/", "")
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ([], "name scenarios, or say --all"),
        (["--all", "x.yaml"], "name scenarios, or say --all"),
        (["nowhere.yaml"], "nowhere.yaml: cannot be read"),
        (["--all", "--judge", "http://127.0.0.1/v1"], "need each other"),
        (["--all", "--junit", "/nowhere/junit.xml"], "there is no folder /nowhere"),
        (["--all", "--personas", "/nowhere"], "no such folder of personas"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: list[str], complaint: str) -> None:
    result = rehearse(*options)
    assert result.exit_code == 2
    assert complaint in result.stderr


def test_what_an_agent_writes_in_a_rehearsal_stays_out_of_the_personas(tmp_path: Path) -> None:
    before = sorted(Path("personas").rglob("*"))
    assert rehearse("scenarios/takes_a_message.yaml").exit_code == 0
    assert sorted(Path("personas").rglob("*")) == before


def test_the_page_about_it_names_every_key_and_no_other_deed_or_check() -> None:
    page = Path("docs/rehearse.md").read_text()
    keys = {field.alias or name for name, field in Scenario.model_fields.items()}
    for key in (*keys, *Turn.model_fields, *Check.model_fields):
        assert f"`{key}`" in page or f"`{key}:" in page, key
    table = page.partition("| check |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == {*KINDS, "arguments"}

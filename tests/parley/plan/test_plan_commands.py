"""`parley plan` and `parley doctor`, and a plan held against machines."""

import json
from dataclasses import replace
from pathlib import Path

from typer.testing import CliRunner

from parley.cli import app
from parley.plan.asking import Words, asked_by
from parley.plan.budget import make_plan
from parley.plan.compare import compare
from parley.plan.gpus import GPUS, Seen
from parley.plan.machine import Machine
from sip.doctor.finding import Verdict

GIB = 2**30
A100 = GPUS["a100-80"]
PLAN = make_plan(asked_by(Words(), [A100]))
ITS = Machine(
    gpus=(Seen("NVIDIA A100-SXM4-80GB", 80 * GIB, 79 * GIB, "570.1", A100),),
    cores=32,
    memory=256 * GIB,
    disk=500 * GIB,
    versions={"vllm": "0.32.0", "livekit-server": "1.13.5", "livekit-sip": "1.8.0"},
)


def verdicts(machine: Machine) -> dict[str, Verdict]:
    return {each.check: each.verdict for each in compare(PLAN, machine)}


def test_a_plans_own_machine_fits_it() -> None:
    assert set(verdicts(ITS).values()) == {Verdict.OK}


def test_what_a_machine_lacks_is_named_with_a_fix() -> None:
    small = replace(
        ITS, gpus=(Seen("NVIDIA L4", 22 * GIB, 22 * GIB, "570.1", GPUS["l4"]),), disk=GIB, cores=1
    )
    found = {each.check: each for each in compare(PLAN, small)}
    assert found["GPU 0"].verdict is found["disk"].verdict is Verdict.FAILED
    assert found["cores"].verdict is Verdict.WARNING
    assert all(each.fix for each in found.values() if each.verdict is not Verdict.OK)
    assert verdicts(replace(ITS, gpus=()))["GPU 0"] is Verdict.FAILED


def test_a_gpu_that_is_another_or_busy_is_a_warning() -> None:
    (own,) = ITS.gpus
    busy, other = replace(own, free=10 * GIB), replace(own, name="NVIDIA B200", gpu=None)
    for gpu in (busy, other):
        assert verdicts(replace(ITS, gpus=(gpu,)))["GPU 0"] is Verdict.WARNING


def test_a_version_that_was_never_tried_is_a_warning() -> None:
    found = verdicts(replace(ITS, versions={"vllm": "0.40.1", "livekit-sip": "0.0.0-dev"}))
    assert found["vllm"] is Verdict.WARNING
    assert found["livekit-sip"] is Verdict.OK
    assert found["livekit-server"] is Verdict.SKIPPED


def test_the_commands_agree_on_a_plan(tmp_path: Path) -> None:
    run = CliRunner()
    made = run.invoke(app, ["plan", "--gpu", "h200", "--calls", "30", "--json"])
    assert made.exit_code == 0
    told = json.loads(made.stdout)
    assert (told["calls"], told["gpus"]) == (30, ["h200"])
    assert told["vllm"]["flags"]["--max-model-len"] == "4096"
    file = tmp_path / "plan.json"
    file.write_text(made.stdout)
    looked = run.invoke(app, ["doctor", str(file), "--json"])
    assert looked.exit_code in (0, 1)
    assert [each["check"] for each in json.loads(looked.stdout)][:2] == ["GPU 0", "cores"]
    page = run.invoke(app, ["plan", "--gpu", "h200", "--calls", "30"])
    assert "deploy/vllm/start.py google/gemma-3-27b-it" in page.stdout


def test_what_is_no_plan_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text('{"asked": {"model": 3}}')
    for arguments in (["plan", "--gpu", "tpu"], ["doctor", str(file)], ["doctor", "absent.json"]):
        refused = CliRunner().invoke(app, arguments)
        assert refused.exit_code == 2
        assert "parley: " in refused.stderr

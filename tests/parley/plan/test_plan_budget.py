"""What a plan promises: it fits, more never takes less, and its settings say the same."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from parley.plan import flags
from parley.plan.asking import Words, asked_by
from parley.plan.budget import Plan, make_plan
from parley.plan.errors import PlanError
from parley.plan.figures import Origin
from parley.plan.gpus import GPUS, known, read_smi
from parley.plan.limits import parts, room
from parley.plan.results import read_host, read_measured

A100, H200, L4 = GPUS["a100-80"], GPUS["h200"], GPUS["l4"]

words = st.builds(
    Words,
    whisper=st.sampled_from(["none", "base.en", "large-v3-turbo", "large-v3"]),
    csm=st.just(True),
    model=st.sampled_from(["none", "gemma-3-4b", "gemma-3-27b"]),
    bits=st.sampled_from([4, 8, 16]),
    context=st.integers(1024, 16_384),
    depth_bits=st.sampled_from([8, 16]),
)


def planned(**given: object) -> Plan:
    return make_plan(asked_by(Words(**given), [A100]))  # type: ignore[arg-type]  # few of many


@settings(max_examples=40, deadline=None)
@given(words, st.sampled_from(list(GPUS.values())), st.integers(1, 200))
def test_more_calls_never_need_less_memory(said: Words, gpu: object, calls: int) -> None:
    asked = asked_by(said, [gpu])  # type: ignore[list-item]  # sampled
    sizes = [sum(part.size for part in parts(asked, n)[0]) for n in (calls, calls + 1)]
    assert sizes[0] <= sizes[1]


@settings(max_examples=25, deadline=None)
@given(words, st.sampled_from([A100, H200, GPUS["h100"]]))
def test_a_plan_fits_its_gpu_and_its_flags_say_what_it_counted(said: Words, gpu: object) -> None:
    try:
        plan = make_plan(asked_by(said, [gpu]))  # type: ignore[list-item]  # sampled
    except PlanError:
        return
    assert min(plan.left) >= 0
    assert plan.calls == plan.carries == min(limit.calls for limit in plan.limits)
    told, engines = flags.vllm(plan), flags.engines(plan)
    assert int(engines["AGENT_MAX_CALLS"]) == plan.calls
    if plan.asked.mind:
        assert int(told["--max-num-seqs"]) >= plan.calls
        assert int(told["--max-num-seqs"]) <= int(told["--max-num-batched-tokens"]) * 8
        assert int(told["--max-model-len"]) == said.context
        given_away = float(told["--gpu-memory-utilization"])
        rest = sum(part.size for part in plan.parts[0] if not part.what.startswith("gemma"))
        assert given_away <= 1
        assert given_away * plan.asked.mind_on.memory + rest <= 1.02 * plan.asked.mind_on.memory
    else:
        assert not told


def test_one_80_gb_gpu_carries_all_three_models() -> None:
    plan = planned()
    assert 10 <= plan.calls <= 20
    assert plan.limits[0].what in ("thinking", "GPU memory")
    weights = sum(part.size for part in plan.parts[0] if "weights" in part.what)
    assert weights > 60e9
    assert {part.source.origin for part in plan.parts[0]} == {
        Origin.COUNTED,
        Origin.ESTIMATED,
        Origin.ASSUMED,
    }


def test_fewer_bits_carry_more_calls() -> None:
    assert planned().calls < planned(bits=8).calls <= planned(bits=4).calls


def test_a_second_gpu_takes_the_engines() -> None:
    one, two = planned(), make_plan(asked_by(Words(), [A100, A100]))
    assert two.calls > one.calls
    assert not any("Whisper" in part.what for part in two.parts[0])
    assert any("Whisper" in part.what for part in two.parts[1])


def test_a_gpu_too_small_says_by_how_much_and_what_would_do() -> None:
    with pytest.raises(
        PlanError, match=r"needed on l4.* GiB are missing.*--gpu a100-80"
    ) as refused:
        make_plan(asked_by(Words(), [L4]))
    ways = str(refused.value).partition("These would do: ")[2]
    needed = sum(part.size for part in parts(asked_by(Words(), [L4]), 1)[0])
    assert f"{(needed - room(L4)) / 2**30:.1f} GiB are missing" in str(refused.value)
    for name in re.findall(r"--gpu ([a-z0-9-]+)", ways):
        assert make_plan(asked_by(Words(), [GPUS[name]])).calls >= 1


def test_too_many_calls_say_what_runs_out_and_what_would_do() -> None:
    with pytest.raises(PlanError, match=r"40 calls were asked for.*runs out first.*--gpu h200"):
        planned(calls=40)
    assert make_plan(asked_by(Words(calls=40), [H200])).calls == 40


@pytest.mark.parametrize(
    ("said", "says"),
    [
        (Words(kv="fp8"), "no 8-bit floating point"),
        (Words(kv="int3"), "auto or fp8"),
        (Words(context=500), "from 1024"),
        (Words(context=200_000), "131072"),
        (Words(bits=3), "4, 8 or 16"),
        (Words(depth_bits=4), "8 or 16"),
        (Words(calls=0), "at least 1"),
        (Words(whisper="huge"), "there is no Whisper 'huge'"),
        (Words(model="nothing-3"), "there is no model 'nothing-3'"),
        (Words(whisper="none", csm=False, model="none"), "nothing to plan"),
    ],
)
def test_what_is_unknown_or_contradicts_itself_is_refused(said: Words, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        asked_by(said, [A100])


def test_a_model_is_divided_among_equal_gpus_only() -> None:
    with pytest.raises(PlanError, match="of one kind"):
        asked_by(Words(), [A100, H200, L4])
    with pytest.raises(PlanError, match="cannot be divided among 3"):
        asked_by(Words(), [A100] * 4)
    shared = asked_by(Words(), [A100, A100, L4]).mind
    assert shared is not None
    assert shared.gpus == 2


def test_measured_steps_go_before_estimates(tmp_path: Path) -> None:
    slow = {
        "machine": {"device": "NVIDIA H200"},
        "batches": [
            {"rows": rows, "form": "own", "tick": 0.039 + rows * 1e-5} for rows in (1, 16, 64)
        ],
    }
    (tmp_path / "csm_device.json").write_text(json.dumps(slow))
    asked = asked_by(Words(model="none", whisper="none"), [H200])
    estimated, measured = make_plan(asked), make_plan(asked, read_measured(tmp_path, H200))
    assert measured.carries < estimated.carries
    said = {limit.what: limit.source for limit in measured.limits}
    assert said["speaking"].origin is Origin.MEASURED
    assert said["speaking"].where == "bench/results/csm_device.json"
    assert not read_measured(tmp_path, A100).csm


def test_what_a_call_takes_of_the_host_is_measured() -> None:
    host = read_host(Path(__file__).parents[3] / "bench" / "results")
    assert host.source.origin is Origin.MEASURED
    assert 0.01 < host.cores < 2
    assert 10 * 2**20 < host.memory < 500 * 2**20
    assert read_host(Path(__file__).parent).source.origin is Origin.ASSUMED


def test_gpus_are_known_by_what_the_driver_calls_them() -> None:
    page = "NVIDIA A100-SXM4-80GB, 81920, 81000, 570.1\nNVIDIA L4, 23034, 22000, 570.1\n"
    assert [gpu.name for gpu in known(read_smi(page))] == ["a100-80", "l4"]
    with pytest.raises(PlanError, match="names no GPU"):
        known(read_smi(""))
    with pytest.raises(PlanError, match="the table has no 'NVIDIA T4'"):
        known(read_smi("NVIDIA T4, 15360, 15000, 570.1"))
    with pytest.raises(PlanError, match="name the GPU with --gpu"):
        read_smi("No devices were found")


def test_the_worked_example_is_what_is_planned() -> None:
    told = (Path(__file__).parents[3] / "docs" / "plan.md").read_text()
    plans = [planned(), planned(bits=8), planned(bits=4), make_plan(asked_by(Words(), [A100] * 2))]
    for row in (
        ["calls", *(str(plan.calls) for plan in plans)],
        ["runs out first", *(plan.limits[0].what for plan in plans)],
    ):
        assert f"| {' | '.join(row)} |" in told

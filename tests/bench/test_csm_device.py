"""The device bench on the tiny model: what a GPU will be asked to measure runs, and its page is
honest about what was not."""

import json
from pathlib import Path

import pytest
import torch

from bench.csm_device import main, parse
from bench.csm_page import Batch, Opening, device_page, takes
from bench.csm_rig import Kernel

pytestmark = pytest.mark.engine

TINY = ("--shape", "tiny", "--device", "cpu", "--repeats", "2")
FACTS = {"device": "NVIDIA H200", "device_gib": 139.0, "cuda": "13.0", "torch": "2.11.0"}
FACTS |= {"shape": "csm-1b", "context": 600}


def test_every_measurement_is_made_and_written(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    few = ("--batches", "1", "3", "--compared", "1", "--prompts", "8", "9999")
    options = parse([*TINY, *few, "--forms", "8 bits", "--out", str(tmp_path)])
    assert main(options) == 0
    body = json.loads((tmp_path / "csm_device.json").read_text())
    assert [(batch["rows"], batch["form"]) for batch in body["batches"]] == [
        (1, "own"),
        (3, "own"),
        (1, "8 bits"),
    ]
    for batch in body["batches"]:
        for name in ("eager", "codec_eager", "step", "step_p95", "codec", "tick"):
            assert batch[name] > 0
        assert batch["tick"] > batch["host"] > 0
    # What does not fit into the model's positions is not asked for.
    assert [opening["tokens"] for opening in body["openings"]] == [8]
    assert body["openings"][0]["first_sound"] > body["openings"][0]["prefill"] > 0
    page = (tmp_path / "csm_device.md").read_text()
    assert "Not measured" not in page
    assert "A CPU replays nothing" in page


def test_what_there_was_no_time_for_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    few = ("--batches", "1", "--forms", "--prompts", "8", "--seconds", "0", "--json")
    assert main(parse([*TINY, *few, "--out", str(tmp_path)])) == 1
    body = json.loads(capsys.readouterr().out)
    assert body["batches"][0]["step"] is None
    assert "0 s were over" in body["batches"][0]["failed"][0]
    assert "- 8 tokens: 0 s were over" in (tmp_path / "csm_device.md").read_text()


def test_a_batch_that_failed_keeps_its_row_beside_those_that_did_not() -> None:
    kernels = [Kernel("gemm<a|b>", 140, 3e-3), Kernel("norm", 60, 1e-4)]
    good = Batch(64, tick=0.011, step=0.009, step_p95=0.0095, memory=2**33, kernels=kernels)
    bad = Batch(256, eager=0.05, failed=["OutOfMemoryError: no memory left"])
    page = list(device_page(FACTS, [good, bad], [Opening(32, 2e-3, 15e-3)]))
    rows = [line for line in page if line.startswith(("| 64 ", "| 256 ", "| 32 "))]
    assert "9.00 / 9.50" in rows[0]
    assert "| 465 | 200 + 0 | 8.0 |" in rows[0]
    assert "| 256 | own | 50.00 | - / - |" in rows[1]
    assert rows[2] == "| 32 | 2.00 | 15.00 |"
    assert "- 256 rows, own: OutOfMemoryError: no memory left" in page
    assert "| `gemm<a/b>` | 140 | 3.00 |" in page
    assert "Targets of an H200:" in page


def test_a_line_through_the_times_is_what_the_simulation_takes() -> None:
    batches = [Batch(rows, tick=6e-3 + 7e-5 * rows) for rows in (1, 16, 64)]
    other = Batch(1, form="plain", tick=1.0)
    openings = [Opening(tokens, 2e-3 + 5e-6 * tokens) for tokens in (32, 256, 1000)]
    found = takes([*batches, other, Batch(256)], openings)
    assert found == pytest.approx((6e-3, 7e-5, 5e-6))
    assert "`python -m bench.csm_load --takes 0.006 7e-05 5e-06`" in device_page(
        FACTS, batches, openings
    )
    assert takes(batches[:1], openings) is None

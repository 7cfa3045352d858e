"""Both sides of the comparison do the same work."""

import json
from pathlib import Path

import pytest
import torch

from bench.csm_peers import main, make_peer, parse
from bench.csm_rig import make_model
from tests.csm_tts.csm_rows import alone, generated, text_prompt

pytestmark = pytest.mark.engine


def test_the_peer_makes_the_same_frames_of_the_same_numbers() -> None:
    torch.set_num_threads(1)
    model = make_model("tiny", "cpu")
    peer = make_peer("tiny", dtype=torch.float32, device="cpu")
    prompt = text_prompt(model.config, 20)
    theirs = generated(peer, model.config, 8, input_ids=prompt.ids[None])
    assert torch.equal(theirs, alone(model, prompt, 8))


def test_it_runs_and_writes_what_it_found(tmp_path: Path) -> None:
    few = ("--shape", "tiny", "--device", "cpu", "--rows", "1", "2", "--repeats", "2")
    assert main(parse([*few, "--rounds", "1", "--context", "16", "--out", str(tmp_path)])) == 0
    rows = json.loads((tmp_path / "csm_peers.json").read_text())["rows"]
    assert [row["rows"] for row in rows] == [1, 2]
    for row in rows:
        assert min(row[name] for name in ("eager", "step", "tick")) > 0
        assert not row["failed"]
    assert "| 2 |" in (tmp_path / "csm_peers.md").read_text()

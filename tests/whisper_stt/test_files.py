import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from whisper_engine.synthetic import write_scripted
from whisper_engine.whisper.files import ModelFilesError, find_model, load_tokenizer
from whisper_engine.whisper.weights import Weights


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "whole"
    write_scripted(folder, "hello")
    return folder


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model"))


def test_folder_is_found_as_it_is(whole: Path) -> None:
    assert find_model(str(whole)) == whole


def test_unknown_name_lists_those_that_are_known() -> None:
    with pytest.raises(ModelFilesError, match=r"no model named bsae\.en.*base\.en.*large-v3-turbo"):
        find_model("bsae.en")


def test_path_that_is_not_there_is_not_sought_on_the_hub(tmp_path: Path) -> None:
    with pytest.raises(ModelFilesError, match="no such folder"):
        find_model(str(tmp_path / "absent"))


def test_file_instead_of_its_folder(whole: Path) -> None:
    with pytest.raises(ModelFilesError, match=r"give the folder that holds model\.bin"):
        find_model(str(whole / "model.bin"))


@pytest.mark.parametrize(
    ("missing", "fix"),
    [
        ("model.bin", "ct2-transformers-converter"),
        ("tokenizer.json", "copy the one of the original model"),
        ("vocabulary.json", "ct2-transformers-converter"),
    ],
)
def test_missing_file_is_named_with_its_fix(folder: Path, missing: str, fix: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(ModelFilesError, match=f"{missing.split('.', maxsplit=1)[0]}.*{fix}"):
        Weights.load(str(folder), device="cpu")


def test_tokenizer_that_cannot_be_read(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelFilesError, match=r"tokenizer\.json cannot be read"):
        load_tokenizer(folder)


def test_tokenizer_of_another_model(folder: Path) -> None:
    file = folder / "tokenizer.json"
    parts = json.loads(file.read_text())
    parts["added_tokens"] = []
    parts["model"]["vocab"] = {
        token: number for token, number in parts["model"]["vocab"].items() if "<|" not in token
    }
    file.write_text(json.dumps(parts))
    with pytest.raises(ModelFilesError, match="not of a Whisper"):
        load_tokenizer(folder)


def test_damaged_weights(folder: Path) -> None:
    (folder / "model.bin").write_bytes(b"not a model")
    with pytest.raises(ModelFilesError, match="not a Whisper of CTranslate2's"):
        Weights.load(str(folder), device="cpu")


def test_hub_that_cannot_be_reached(tmp_path: Path) -> None:
    error = find_apart("tiny.en", tmp_path).stderr.splitlines()[-1]
    assert "ModelFilesError: the model tiny.en is not on this machine" in error
    assert "give its path" in error


@pytest.mark.parametrize("name", ["tiny.en", "Systran/faster-whisper-tiny.en"])
def test_model_in_the_cache_needs_no_hub(whole: Path, tmp_path: Path, name: str) -> None:
    cached = tmp_path / "hub" / "models--Systran--faster-whisper-tiny.en"
    shutil.copytree(whole, cached / "snapshots" / "0123abcd")
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("0123abcd")
    assert find_apart(name, tmp_path).stdout.strip() == str(cached / "snapshots" / "0123abcd")


def find_apart(name: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with no hub: its library reads its settings once, when imported."""
    script = f"from whisper_engine.whisper.files import find_model; print(find_model({name!r}))"
    environment = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(cache)}
    return subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False
    )

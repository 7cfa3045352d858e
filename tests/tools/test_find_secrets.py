"""The tree has no secrets, and the search finds those that it says it finds."""

import subprocess
from pathlib import Path

import pytest

from tools.find_secrets import ROOT, found, found_in

LETTERS = "aB3dE5gH7jK9mN1pQ4rS6tU8vW0xY2zA"
"""Put together in the cases below, so that this file holds none."""


def test_nothing_that_git_tracks_is_a_secret() -> None:
    assert list(found(ROOT)) == []


@pytest.mark.parametrize(
    "line",
    [
        "-----BEGIN EC PRIVATE " + "KEY-----\nMHcCAQ",
        "aws = AK" + "IA" + "ABCDEFGHIJKLMNOP",
        "gh" + "p_" + LETTERS + "abcd",
        "hf" + "_" + LETTERS,
        "s" + "k-proj-" + LETTERS,
        "S" + "K" + "ab12" * 8,
        "xox" + "b-1234567890-" + LETTERS,
        "AI" + "za" + LETTERS + "abc",
        "ey" + "Jhbfakefakefake.ey" + "Jzdfakefakefake." + LETTERS,
        "postgresql://parley:" + LETTERS + "@db.example/calls",
        "AGENT_LLM__KEY" + "=" + LETTERS,
        '"auth_token"' + ': "' + LETTERS.lower() + '"',
    ],
)
def test_each_kind_is_found_with_its_line(line: str) -> None:
    assert {number for number, _ in found_in(f"first\n{line}\nlast\n")} == {2}


@pytest.mark.parametrize(
    "line",
    [
        "postgresql://user:password@host/database",
        "key = settings.engine_key.get_secret_value()",
        "AGENT_LLM__KEY=…",
        "LIVEKIT_API_SECRET: ${LIVEKIT_API_SECRET:?write it}",
        "sha256:bd30f7201eac896ebf5db7b09156e6f1a1b82601900d29d9c8449bdad8365b11",
        "-----BEGIN PRIVATE " + "KEY-----",
    ],
)
def test_a_name_or_a_place_for_one_is_none(line: str) -> None:
    assert list(found_in(line)) == []


def test_where_is_told_and_not_what(tmp_path: Path) -> None:
    secret = "hf" + "_" + LETTERS
    (tmp_path / "notes.md").write_text(f"# Notes\n{secret}\n")
    (tmp_path / "sound.wav").write_bytes(b"\0" + secret.encode())
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "."], cwd=tmp_path, check=True)
    assert list(found(tmp_path)) == ["notes.md:2: a token of Hugging Face's"]

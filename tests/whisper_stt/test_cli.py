"""The commands, on scripted weights and real speech."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from whisper_engine.cli.commands import add_parsers
from whisper_engine.synthetic import write_scripted

SOUNDS = Path(__file__).parent.parent / "data" / "audio"
QUESTION = SOUNDS / "weather_question.wav"
SAID = "what is the weather in Paris"


def run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers())
    options = parser.parse_args([str(word) for word in words])
    status: int = options.run(options)
    return status


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "scripted"
    write_scripted(folder, {"en": SAID, "de": "wie ist das Wetter"}, listens=False)
    return folder


@pytest.mark.parametrize(
    ("language", "text"), [(("en",), SAID), (("de",), "wie ist das Wetter"), (("de", "en"), SAID)]
)
def test_transcribe_writes_what_is_said(
    model: Path, capsys: pytest.CaptureFixture[str], language: tuple[str, ...], text: str
) -> None:
    assert run("transcribe", QUESTION, *of(model), "--language", *language) == 0
    assert capsys.readouterr().out == f"{text}\n"


def test_transcribe_writes_words_with_times_and_subtitles(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("transcribe", QUESTION, *of(model), "--format", "json") == 0
    body = json.loads(capsys.readouterr().out)
    assert [word["word"] for word in body["words"]] == SAID.split()
    assert 0 <= body["words"][0]["start"] < body["words"][-1]["end"] <= body["duration"]
    assert run("transcribe", QUESTION, *of(model), "--format", "srt") == 0
    assert capsys.readouterr().out.startswith("1\n00:00:0")
    assert run("transcribe", QUESTION, *of(model), "--format", "vtt") == 0
    assert capsys.readouterr().out.startswith("WEBVTT\n\n00:00:0")


def of(model: Path) -> tuple[str | Path, ...]:
    return ("--model", model, "--device", "cpu", "--compute-type", "float32")


def test_transcribe_says_in_a_sentence_what_is_wrong(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a sound")
    for words, says in (
        ((text, *of(model)), "notes.txt: no sound file"),
        ((tmp_path / "nowhere.wav", *of(model)), "No such file"),
        ((QUESTION, *of(tmp_path / "nowhere")), "no such folder"),
        ((QUESTION, *of(model), "--language", "xx"), "does not hear 'xx'"),
    ):
        assert run("transcribe", *words) == 1
        out, err = capsys.readouterr()
        assert says in err
        assert (out, err.count("\n")) == ("", 1)


def test_ab_tries_every_condition_and_picks_a_length(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    shutil.copy(QUESTION, tmp_path)
    (tmp_path / QUESTION.with_suffix(".txt").name).write_text(f"{SAID.upper()}?")
    figures = tmp_path / "figures.json"
    assert run("ab", tmp_path, *of(model), "--json", figures) == 0
    page = capsys.readouterr().out
    assert "# scripted, language en" in page
    assert "1 turns (6 words)" in page
    assert "Beam 5: encode always 30 s" in page
    (report,) = json.loads(figures.read_text())
    assert len(report["rows"]) == 40
    assert {row["turns"]["wer"] for row in report["rows"]} == {0.0}


def test_ab_says_in_a_sentence_what_is_wrong(
    model: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = tmp_path / "turns.tsv"
    table.write_text(f"{QUESTION}\t[noise]\n")
    for words, says in (
        ((tmp_path / "nowhere", *of(model)), "no such folder or file"),
        ((table, *of(model)), "no turn of 0.3 to 12 s"),
        ((tmp_path, *of(model)), "no sound with words"),
    ):
        assert run("ab", *words) == 1
        assert says in capsys.readouterr().err
    table.write_text(f"{QUESTION}\t{SAID}\n")
    assert run("ab", table, *of(model), "--language", "tlh") == 1
    assert "does not hear 'tlh'" in capsys.readouterr().err


def test_ab_streamed_holds_the_engines_stream_against_the_whole_turn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, source = tmp_path / "scripted", tmp_path / "turns.tsv"
    write_scripted(folder, {"en": SAID, "de": "wie ist das Wetter"}, listens=False)
    source.write_text(f"{QUESTION}\t{SAID}\n")
    figures = tmp_path / "figures.json"
    assert run("ab", source, *of(folder), "--streamed", "2", "--json", figures) == 0
    page = capsys.readouterr().out
    assert "1 turns (6 words)" in page
    assert "| 0 % | 0.00 | 0.00 | +0.00 | 0.0 |" in page
    (report,) = json.loads(figures.read_text())
    assert [row["loss"] for row in report["rows"]] == [0.0, 0.03]
    with pytest.raises(SystemExit):
        run("ab", source, *of(folder), "--streamed", "0")


def test_bench_refuses_what_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("bench", "--shape", "enormous") == 1
    assert "take one of micro" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        run("bench", "--shape", "micro", "--model", "base.en")

import wave
from pathlib import Path

import pytest

from whisper_engine.cli.ab.recordings import (
    Recording,
    RecordingsError,
    TimedWord,
    read_recordings,
)


def sound(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(3_200))
    return path


def test_words_stand_beside_a_sound(tmp_path: Path) -> None:
    one = sound(tmp_path / "LJ001-0001.wav")
    one.with_suffix(".txt").write_text("Printing, in the only sense\n")
    sound(tmp_path / "without-words.wav")
    assert read_recordings(tmp_path) == [Recording(one, "Printing, in the only sense")]


def test_librispeech_is_read_with_the_times_of_its_alignments(tmp_path: Path) -> None:
    chapter = tmp_path / "test-clean" / "19" / "198"
    one = sound(chapter / "19-198-0000.flac")
    other = sound(chapter / "19-198-0001.flac")
    (chapter / "19-198.trans.txt").write_text("19-198-0000 SO WE MAY BEGIN\n19-198-0001 YES\n")
    (tmp_path / "19-198.alignment.txt").write_text(
        '19-198-0000 ",SO,,WE,MAY,BEGIN," "0.3,0.7,1.2,1.4,1.5,1.9,2.0"\n'
    )
    words = (
        TimedWord("SO", 0.3, 0.7),
        TimedWord("WE", 1.2, 1.4),
        TimedWord("MAY", 1.4, 1.5),
        TimedWord("BEGIN", 1.5, 1.9),
    )
    assert read_recordings(tmp_path) == [
        Recording(one, "SO WE MAY BEGIN", words),
        Recording(other, "YES"),
    ]


def test_a_table_names_sounds_relative_to_itself(tmp_path: Path) -> None:
    one, other = sound(tmp_path / "a" / "1.wav"), sound(tmp_path / "2.wav")
    table = tmp_path / "turns.tsv"
    table.write_text("a/1.wav\thello: there\thello::0.1:0.4 there:0.4:0.75\n\n2.wav\tfive five\n")
    assert read_recordings(table) == [
        Recording(other, "five five"),
        Recording(
            one, "hello: there", (TimedWord("hello:", 0.1, 0.4), TimedWord("there", 0.4, 0.75))
        ),
    ]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("1.wav", "line 1: give: path, words"),
        ("1.wav\t ", "line 1: give: path, words"),
        ("9.wav\thello", "there is no"),
        ("1.wav\thello\thello:0.1", "'hello:0.1' is not word:start:end"),
        ("1.wav\thello\thello:a:b", "'hello:a:b' is not word:start:end"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str, says: str) -> None:
    sound(tmp_path / "1.wav")
    table = tmp_path / "turns.tsv"
    table.write_text(line)
    with pytest.raises(RecordingsError, match=says):
        read_recordings(table)


@pytest.mark.parametrize(
    ("line", "says"),
    [('1 ",A" "0.1"', "2 words, but 1 times"), ("1 A B", "give: name"), ('1 "A" "x"', "float")],
)
def test_a_bad_alignment_is_named(tmp_path: Path, line: str, says: str) -> None:
    (tmp_path / "1.alignment.txt").write_text(line)
    with pytest.raises(RecordingsError, match=says):
        read_recordings(tmp_path)


def test_what_holds_nothing_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(RecordingsError, match="no sound with words"):
        read_recordings(tmp_path)
    with pytest.raises(RecordingsError, match="no such folder"):
        read_recordings(tmp_path / "nowhere")
    table = tmp_path / "latin.tsv"
    table.write_bytes("1.wav\tgrün".encode("latin-1"))
    with pytest.raises(RecordingsError, match="not UTF-8"):
        read_recordings(table)

"""Speech with its transcripts, as data sets keep it on disk."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_T = TypeVar("_T")

SOUNDS = (".wav", ".flac", ".mp3", ".ogg", ".m4a")


class RecordingsError(Exception):
    """The message names what to mend."""


@dataclass(frozen=True)
class TimedWord:
    """Seconds from the beginning of its recording."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Recording:
    """`words` is empty where their times are not known."""

    path: Path
    text: str
    words: tuple[TimedWord, ...] = ()


def read_recordings(source: Path) -> list[Recording]:
    """The recordings of a folder or of a TSV, sorted by path.

    A folder is searched to its depth for sounds whose words are known by `SOUND.txt` beside
    them (LJ Speech) or by a line `SOUND words…` in a `*.trans.txt` (LibriSpeech). A
    `*.alignment.txt` of the LibriSpeech alignments (CorentinJ), `SOUND "WORD,,WORD" "0.51,0.9,1.3"` with the
    end of each word or pause, gives the words' times.

    A TSV has a line `path<TAB>words…` for each sound, paths being relative to it, and may have
    `word:start:end word:start:end…` in seconds in a third column.

    Raises RecordingsError.
    """
    if source.is_dir():
        found = _of_folder(source)
    elif source.is_file():
        found = list(_of_lines(source, _of_table_line))
    else:
        raise RecordingsError(f"{source}: no such folder or file; give the folder of a data set")
    if not found:
        raise RecordingsError(
            f"{source}: no sound with words; give each its words in a .txt beside it, "
            "or a TSV of path and words"
        )
    return sorted(found, key=lambda recording: recording.path)


def _of_folder(folder: Path) -> list[Recording]:
    texts: dict[tuple[Path, str], str] = {}
    for file in folder.rglob("*.trans.txt"):
        texts.update(((file.parent, key), said) for key, said in _of_lines(file, _of_transcript))
    words: dict[str, tuple[TimedWord, ...]] = {}
    for file in folder.rglob("*.alignment.txt"):
        words.update(_of_lines(file, _of_alignment))
    found = []
    for sound in folder.rglob("*"):
        if sound.suffix.lower() not in SOUNDS:
            continue
        beside = sound.with_suffix(".txt")
        text = texts.get((sound.parent, sound.stem)) or (_read(beside) if beside.is_file() else "")
        if text.strip():
            found.append(Recording(sound, text.strip(), words.get(sound.stem, ())))
    return found


def _of_lines(file: Path, parse: Callable[[Path, str], _T]) -> Iterator[_T]:
    for number, line in enumerate(_read(file).splitlines(), 1):
        if not line.strip():
            continue
        try:
            yield parse(file, line)
        except ValueError as error:
            raise RecordingsError(f"{file}, line {number}: {error}") from error


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise RecordingsError(f"{file}: not UTF-8; save it as such") from error


def _of_transcript(_: Path, line: str) -> tuple[str, str]:
    name, *words = line.split()
    return name, " ".join(words)


def _of_alignment(_: Path, line: str) -> tuple[str, tuple[TimedWord, ...]]:
    match line.split('"'):
        case [name, words, _, ends, *_]:
            return name.strip(), _between(words.split(","), ends.split(","))
        case _:
            raise ValueError('give: name "WORD,,WORD" "0.5,0.6,1.0"')


def _between(words: list[str], ends: list[str]) -> tuple[TimedWord, ...]:
    if len(words) != len(ends):
        raise ValueError(f"{len(words)} words, but {len(ends)} times")
    at = [0.0, *map(float, ends)]
    timed = zip(words, at, at[1:], strict=False)
    return tuple(TimedWord(text, start, end) for text, start, end in timed if text)


def _of_table_line(file: Path, line: str) -> Recording:
    match line.split("\t"):
        case [path, text] if text.strip():
            words: Iterable[str] = ()
        case [path, text, timed] if text.strip():
            words = timed.split()
        case _:
            raise ValueError("give: path, words and, if known, word:start:end…, with tabs between")
    sound = file.parent / path
    if not sound.is_file():
        raise ValueError(f"there is no {sound}")
    return Recording(sound, text.strip(), tuple(map(_of_timed_word, words)))


def _of_timed_word(timed: str) -> TimedWord:
    text, *times = timed.rsplit(":", 2)
    try:
        start, end = map(float, times)
    except ValueError:
        raise ValueError(f"{timed!r} is not word:start:end") from None
    return TimedWord(text, start, end)

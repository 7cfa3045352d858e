"""A voice's folder: its four files, what must be true of them, and how one is added. No torch."""

import os
import re
import shutil
import uuid
from pathlib import Path

from csm_engine.clip import VoiceError, clip_of
from csm_engine.protocol import SAMPLE_RATE
from csm_engine.text import expected_seconds, normalise

CLIP, TRANSCRIPT, CONSENT, LICENCE = "clip.wav", "transcript.txt", "consent.txt", "licence.txt"

ASKED_FOR = {
    TRANSCRIPT: "the exact words of the clip",
    CONSENT: "who speaks, and what they allow",
    LICENCE: "the clip's licence",
}
"""What a text is to say, by its file."""

MOST_OFF = 3.0
"""A transcript that would last so many times as long as its clip, or as short, is not the clip's."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


class VoiceExistsError(VoiceError):
    """A voice is never overwritten: calls may be speaking in it."""


class UnwritableError(VoiceError):
    """The voice is good; the folder of voices cannot take it."""


def write_voice(
    root: Path, name: str, *, clip: bytes, transcript: str, consent: str, licence: str
) -> Path:
    """A new folder in `root`, there as a whole or not at all; returns it.

    `clip` is a WAV file. Raises VoiceError for what would make no voice, VoiceExistsError for a name
    that is taken, UnwritableError. Blocks for some ms: it resamples the clip.
    """
    check_name(name)
    texts = {TRANSCRIPT: transcript, CONSENT: consent, LICENCE: licence}
    for file, text in texts.items():
        if not text.strip():
            raise VoiceError(f"{file} is empty: write {ASKED_FOR[file]} into it")
    check_words(CLIP, len(clip_of(clip, CLIP, SAMPLE_RATE)) / SAMPLE_RATE, transcript)
    folder = root / name
    if folder.exists():
        raise VoiceExistsError(f"there is a voice {name!r} already: take another name")
    unfinished = root / f".{uuid.uuid4().hex}"
    try:
        unfinished.mkdir()
        (unfinished / CLIP).write_bytes(clip)
        for file, text in texts.items():
            (unfinished / file).write_text(text.strip() + "\n", "utf-8")
        unfinished.rename(folder)
    except OSError as error:
        if folder.exists():
            raise VoiceExistsError(
                f"there is a voice {name!r} already: take another name"
            ) from None
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise UnwritableError(f"the folder of voices cannot be written: {reason}") from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def transcript_of(folder: Path) -> str:
    """Of a folder that has a voice's name and its four files. Raises VoiceError."""
    try:
        check_name(folder.name)
    except VoiceError as error:
        raise VoiceError(f"{folder}: {error}") from None
    transcript, _, _ = (_text(folder / file) for file in (TRANSCRIPT, CONSENT, LICENCE))
    if not (clip := folder / CLIP).is_file():
        raise VoiceError(f"{clip} is missing: give 8 to 15 s of clean speech, 16-bit mono")
    return transcript


def check_name(name: str) -> None:
    """Raises VoiceError."""
    if not _NAME.fullmatch(name):
        raise VoiceError(
            f"{name[:80]!r}: a voice's name has letters, digits, '_', '-' and '.', up to 64"
        )


def check_words(clip: str | Path, seconds: float, transcript: str) -> None:
    """Raises VoiceError when the transcript cannot be of a clip that lasts so long."""
    expected = expected_seconds(normalise(transcript))
    if not expected / MOST_OFF <= seconds <= expected * MOST_OFF:
        raise VoiceError(
            f"{clip} lasts {seconds:.1f} s, its transcript about {expected:.1f} s:"
            f" write down in {TRANSCRIPT} what the clip says, word for word"
        )


def _text(path: Path) -> str:
    what = ASKED_FOR[path.name]
    try:
        text = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise VoiceError(f"{path} cannot be read ({error}): write {what} into it") from None
    if not text:
        raise VoiceError(f"{path} is empty: write {what} into it")
    return " ".join(text.split())

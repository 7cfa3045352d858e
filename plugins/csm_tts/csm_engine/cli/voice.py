"""`voice add|list|check`: the folder of CSM's voices."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from csm_engine.cli.errors import CommandError
from csm_engine.cli.judging import Judged, judge, voice_folders
from csm_engine.clip import VoiceError
from csm_engine.config import Settings
from csm_engine.voice_folder import write_voice
from parley_serving import load_settings


def add(options: argparse.Namespace) -> int:
    """Raises CommandError."""
    settings = load_settings(Settings)
    root = _root(options.folder, settings)
    try:
        root.mkdir(parents=True, exist_ok=True)
        folder = write_voice(
            root,
            options.name,
            clip=options.clip.read_bytes(),
            transcript=_text(options.transcript, options.transcript_file),
            consent=_text(options.consent, options.consent_file),
            licence=_text(options.licence, options.licence_file),
        )
    except VoiceError as error:
        raise CommandError(str(error)) from error
    except OSError as error:
        raise CommandError(f"{error.filename} cannot be used: {error.strerror}") from error
    prepared = settings.model != "rehearsal" and _prepare(Path(settings.model), folder)
    codes = "its codes are made" if prepared else "a CSM makes its codes when it starts"
    sys.stdout.write(f"{folder}: {codes}\n")
    sys.stdout.writelines(f"  {each}\n" for each in judge(folder).advice)
    return 0


def names(options: argparse.Namespace) -> int:
    """Raises CommandError."""
    sys.stdout.writelines(f"{folder.name}\n" for folder in _folders(options))
    return 0


def check(options: argparse.Namespace) -> int:
    """1 when a voice cannot speak. Raises CommandError."""
    judged = [judge(folder) for folder in _folders(options)]
    if not judged:
        raise CommandError("there is no voice: add one with `voice add`")
    sys.stdout.writelines(f"{line}\n" for each in judged for line in _lines(each))
    return int(any(each.problem is not None for each in judged))


def _lines(judged: Judged) -> Iterator[str]:
    if judged.problem is not None:
        yield f"{judged.name}: cannot speak: {judged.problem}"
        return
    verdict = "could be better" if judged.advice else "good"
    yield f"{judged.name}: {verdict} ({judged.seconds:.1f} s, {judged.level:.0f} dBFS)"
    yield from (f"  {each}" for each in judged.advice)


def _prepare(model: Path, folder: Path) -> bool:
    """Raises CommandError when the voice is written and the model cannot be read."""
    from csm_engine.cli.codes import CodesError, make_codes  # noqa: PLC0415 -- torch

    try:
        make_codes(model, folder)
    except CodesError as error:
        raise CommandError(f"{folder} is written, but CSM_MODEL cannot be read: {error}") from error
    return True


def _folders(options: argparse.Namespace) -> list[Path]:
    try:
        return voice_folders(_root(options.folder, load_settings(Settings)))
    except VoiceError as error:
        raise CommandError(str(error)) from error


def _root(folder: Path | None, settings: Settings) -> Path:
    root = folder or settings.voices
    if root is None:
        raise CommandError("no folder of voices: name one with --folder, or set CSM_VOICES")
    return root


def _text(given: str | None, file: Path | None) -> str:
    if given is not None:
        return given
    assert file is not None
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{file} is not text in UTF-8: save it so") from error

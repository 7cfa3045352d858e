"""`transcribe FILE`: what is said in a file, by the engine's own ears, without an engine."""

import argparse
import asyncio
import json
import sys
from contextlib import closing
from pathlib import Path

from prometheus_client import CollectorRegistry

from parley_serving import StartError
from whisper_engine.api import formats
from whisper_engine.api.errors import ApiError
from whisper_engine.api.files import Cutter, hear, transcript_of
from whisper_engine.api.formats import Transcript
from whisper_engine.api.uploads import Limits, pieces
from whisper_engine.config import Settings
from whisper_engine.model import HearError, Model, UnknownLanguageError
from whisper_engine.protocol import Start
from whisper_engine.whisper.model import Whisper

_ANY_SIZE = Limits(size=sys.maxsize, seconds=float("inf"))
"""The limits of uploads protect an engine that others use."""


def run(options: argparse.Namespace) -> int:
    """0, or 1 after one sentence on what is wrong."""
    settings = Settings(
        model=options.model, device=options.device, compute_type=options.compute_type
    )
    model = Whisper(settings, CollectorRegistry())
    try:
        transcript = asyncio.run(transcribe(model, options.file, options.language))
    except (StartError, UnknownLanguageError, HearError, OSError) as error:
        return _fail(str(error))
    except ApiError as error:
        return _fail(f"{options.file}: {error}")
    sys.stdout.write(render(transcript, options.format))
    return 0


def _fail(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


async def transcribe(model: Model, file: Path, languages: list[str]) -> Transcript:
    """Raises StartError, UnknownLanguageError, HearError, ApiError for what is no sound, OSError."""
    several = tuple(languages) if len(languages) > 1 else ()
    start = Start(language=languages[0], languages=several, interim_results=False)
    cutter = Cutter()
    with file.open("rb") as binary:
        async with model.running(), model.decoder(start) as decoder:
            with closing(pieces(binary, _ANY_SIZE)) as sound:
                said = [part async for part in hear(sound, cutter, decoder)]
    return transcript_of(said, cutter.seconds, languages[0])


def render(transcript: Transcript, format_: str) -> str:
    match format_:
        case "json":
            body = formats.as_verbose_json(transcript, frozenset({"segment", "word"}))
            return json.dumps(body, ensure_ascii=False, indent=2) + "\n"
        case "srt":
            return formats.as_srt(transcript)
        case "vtt":
            return formats.as_vtt(transcript)
        case _:
            return formats.as_text(transcript)

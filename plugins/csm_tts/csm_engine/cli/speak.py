"""`speak TEXT -o FILE`: one text as sound, by a model in this process or by an engine."""

import argparse
import asyncio
import sys
from contextlib import aclosing, closing

from csm_engine.cli.commands import STDIO
from csm_engine.cli.errors import CommandError
from csm_engine.cli.loaded import loaded
from csm_engine.cli.remote import speak_by
from csm_engine.cli.sound import Heard, check_writable, write_wav
from csm_engine.config import Settings
from csm_engine.model import Manner
from csm_engine.speaker import Progress
from parley_serving import load_settings


def run(options: argparse.Namespace) -> int:
    """Raises CommandError, StartError."""
    text = _text(options.text)
    check_writable(options.out)
    settings = load_settings(Settings)
    manner = Manner(
        voice=options.voice,
        remembers="nothing",
        live=False,
        seed=options.seed,
        temperature=options.temperature,
        top_k=options.top_k,
    )
    heard = Heard(live=options.out == STDIO)
    if options.url:
        reason = speak_by(options.url, settings.listen.key, text, manner, heard)
    else:
        reason = asyncio.run(speak(settings, text, manner, heard))
    if not heard.pcm:
        raise CommandError("there is no word in the text: nothing was spoken")
    if options.out != STDIO:
        write_wav(options.out, bytes(heard.pcm))
    sys.stderr.write(f"{_summary(heard)}, finish reason {reason}\n")
    return 0


async def speak(settings: Settings, text: str, manner: Manner, heard: Heard) -> str:
    """The finish reason. Raises CommandError, StartError."""
    progress = Progress()
    async with loaded(settings) as speaker:
        speaker.model.check(manner.voice, manner.language)
        with closing(speaker.model.converse(manner)) as conversation:
            heard.asked()
            async with aclosing(speaker.speak(conversation, text, progress)) as frames:
                async for frame in frames:
                    heard.take(frame)
    return progress.reason


def _text(given: str) -> str:
    try:
        text = (sys.stdin.read() if given == STDIO else given).strip()
    except UnicodeDecodeError as error:
        raise CommandError("stdin is not text in UTF-8: convert it") from error
    if not text:
        raise CommandError(f"the text is empty: say something, or give it on stdin with {STDIO}")
    return text


def _summary(heard: Heard) -> str:
    assert heard.first is not None
    return (
        f"{heard.seconds:.2f} s of sound, the first after {heard.first:.3f} s,"
        f" real-time factor {heard.lasted / heard.seconds:.3f}"
    )

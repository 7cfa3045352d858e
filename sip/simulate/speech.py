"""What the simulated caller says: text spoken by flite, or a sound file, as 8 kHz mono."""

import asyncio
import io
import shutil
import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr

RATE = 8000
"""Samples a second of everything the caller sends and hears: what G.711 carries."""

Samples = npt.NDArray[np.int16]

_WIDTH = 2  # bytes a sample
_PROGRAM_LIMIT = 30.0


class SpeechError(Exception):
    """A turn that cannot be turned into sound; the message says why and what would help."""


async def spoken(text: str, voice: str) -> Samples:
    """`text` in a flite voice, trimmed of nothing: mono at `RATE`.

    Raises SpeechError when flite is missing, does not know the voice or says nothing.
    """
    if not text.strip():
        raise SpeechError("there is nothing to say: the text of a turn is empty")
    known = await _run("flite", "-lv")
    if voice not in known.decode().partition(":")[2].split():
        raise SpeechError(f"flite has no voice {voice!r}; it has {known.decode().strip()}")
    sound = await _run("flite", "-voice", voice, "-t", text, "-o", "/dev/stdout")
    return _read_wave(sound, f"flite's voice {voice!r}")


async def loaded(path: Path) -> Samples:
    """A sound file as mono at `RATE`; sox reads what is not a 16-bit WAV.

    Raises SpeechError when the file is missing or is not sound.
    """
    try:
        sound = await asyncio.to_thread(path.read_bytes)
    except OSError as error:
        raise SpeechError(f"cannot read the sound file {path}: {error.strerror}") from error
    if path.suffix.lower() == ".wav":
        try:
            return _read_wave(sound, str(path))
        except SpeechError:
            if shutil.which("sox") is None:
                raise
    return _read_wave(await _run("sox", str(path), "-b", "16", "-t", "wav", "-"), str(path))


def _read_wave(sound: bytes, name: str) -> Samples:
    # A WAV written to a pipe carries no true length, and `wave` then reads up to the end.
    try:
        with wave.open(io.BytesIO(sound)) as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            data = file.readframes(file.getnframes())
    except (wave.Error, EOFError) as error:
        raise SpeechError(f"{name} is not a WAV file that can be read: {error}") from error
    if width != _WIDTH:
        raise SpeechError(f"{name} has {8 * width}-bit samples; 16-bit WAV is wanted")
    samples = np.frombuffer(
        data[: len(data) // (_WIDTH * channels) * _WIDTH * channels], dtype="<i2"
    )
    if not samples.size:
        raise SpeechError(f"{name} has no sound in it")
    mono = samples.reshape(-1, channels).mean(axis=1)
    narrow: npt.NDArray[np.float64] = soxr.resample(mono, rate, RATE)
    return np.clip(np.round(narrow), -32768, 32767).astype(np.int16)


async def _run(program: str, *arguments: str) -> bytes:
    if shutil.which(program) is None:
        raise SpeechError(f"{program} is not installed: apt install {program}")
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(_PROGRAM_LIMIT):
            output, errors = await process.communicate()
    except TimeoutError as error:
        raise SpeechError(f"{program} took over {_PROGRAM_LIMIT:.0f} s") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        said = errors.decode(errors="replace").strip().splitlines()
        raise SpeechError(f"{program} failed: {said[-1] if said else process.returncode}")
    return output

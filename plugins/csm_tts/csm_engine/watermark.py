"""A mark in the sound that says a machine made it: a stage between the model and who listens.

Off by default. Sesame marks what CSM says with SilentCipher, by a key that it made public, and asks
others for a private one of their own (watermarking.py of SesameAILabs/csm).
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import numpy as np
from numpy.typing import NDArray

from csm_engine.config import Settings
from csm_engine.model import SpeakError
from csm_engine.protocol import SAMPLE_RATE
from parley_serving import StartError

Stage = Callable[[AsyncGenerator[bytes, None]], AsyncGenerator[bytes, None]]
"""From one sentence's sound, s16le mono at SAMPLE_RATE, to what leaves in its place. It may hold
sound back; the sentence has ended when its sound has. Closing it closes what it reads."""

Samples = NDArray[np.float32]
Mark = Callable[[Samples], Samples]
"""A whole sentence, from -1 to 1, to as many samples. Blocks; is never called twice at once."""

KEY_BYTES = 5

MESSAGE_SDR = 36
"""dB of the sound above the mark, as Sesame has it."""

_FULL = 32_768


class WholeSentences:
    """A stage for a mark that must see all of a sentence: its first sound leaves after its last."""

    def __init__(self, mark: Mark) -> None:
        self._mark = mark
        self._thread = ThreadPoolExecutor(1, "watermark")

    async def __call__(self, sound: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """Raises SpeakError where the mark cannot be made: nothing leaves without one."""
        async with aclosing(sound):
            pcm = b"".join([piece async for piece in sound])
        if not any(pcm):
            yield pcm  # silence bears no mark
            return
        loop = asyncio.get_running_loop()
        try:
            marked = await loop.run_in_executor(self._thread, self._marked, pcm)
        except (AssertionError, RuntimeError, ValueError) as error:
            raise SpeakError("the watermark could not be made", retryable=True) from error
        yield marked

    def _marked(self, pcm: bytes) -> bytes:
        samples = np.frombuffer(pcm, np.int16)
        marked = self._mark(samples.astype(np.float32) / np.float32(_FULL))
        if marked.shape != samples.shape:
            raise ValueError(f"{samples.size} samples came back as {marked.size}")
        return np.round(marked * _FULL).clip(-_FULL, _FULL - 1).astype(np.int16).tobytes()


def load_stage(settings: Settings) -> Stage | None:
    """None where no mark is wanted. Blocks; raises StartError."""
    if settings.watermark == "off":
        return None
    return WholeSentences(_silentcipher(_key(settings), settings.device))


def _key(settings: Settings) -> list[int]:
    text = settings.watermark_key.get_secret_value() if settings.watermark_key else ""
    numbers = [int(part) for part in text.split(",") if part.strip().isdecimal()]
    if len(numbers) != KEY_BYTES or max(numbers) > 255 or text.count(",") != KEY_BYTES - 1:  # noqa: PLR2004 - a byte
        raise StartError(
            f"CSM_WATERMARK_KEY must be {KEY_BYTES} numbers from 0 to 255 with commas between: make"
            " some at random and keep them"
        )
    return numbers


def _silentcipher(key: list[int], device: str) -> Mark:
    """The 44.1 kHz model of Sesame's fork, which resamples itself: Sony's own wants an old torch."""
    try:
        torch = importlib.import_module("torch")
        on = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
        model = importlib.import_module("silentcipher").get_model(model_type="44.1k", device=on)
    except ModuleNotFoundError as error:
        raise StartError(
            f"CSM_WATERMARK=silentcipher needs the package {error.name}: pip install"
            " git+https://github.com/SesameAILabs/silentcipher, or set CSM_WATERMARK=off"
        ) from error
    except OSError as error:
        raise StartError(f"silentcipher's model cannot be loaded: {error}") from error

    def mark(samples: Samples) -> Samples:
        sound = torch.from_numpy(samples).to(on)
        encoded, _ = model.encode_wav(
            sound, SAMPLE_RATE, key, message_sdr=MESSAGE_SDR, calc_sdr=False
        )
        marked = encoded.cpu().numpy()
        out = np.zeros_like(samples)  # resampling there and back may be a sample off
        length = min(len(out), len(marked))
        out[:length] = marked[:length]
        return out

    return mark

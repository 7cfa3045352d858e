"""Frames of any usual rate to what the engine hears."""

from livekit import rtc
from livekit.agents import APIError

from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.resampling import Resampler


class Intake:
    """One stream's frames to PCM: s16le, mono, 16 kHz. Their rate may change on the way.

    Every method raises APIError for what the engine cannot hear.
    """

    def __init__(self) -> None:
        self._resampler = Resampler(SAMPLE_RATE)

    def push(self, frame: rtc.AudioFrame) -> bytes:
        """The last 1.9 ms of a sound of another rate wait for what follows."""
        if frame.num_channels != 1:
            raise APIError("the Whisper engine hears one channel", retryable=False)
        return self._at(frame.sample_rate) + self._resampler.push(bytes(frame.data))

    def end(self) -> bytes:
        return self._resampler.flush()

    def _at(self, rate: int) -> bytes:
        """Go on with this rate: what was still to be said of the one before."""
        if rate == self._resampler.rate:
            return b""
        rest = self._resampler.flush()
        try:
            self._resampler = Resampler(rate)
        except ValueError as error:
            raise APIError(str(error), retryable=False) from error
        return rest

"""The caller's sound on its way to an engine: at its rate, and never much of it waiting."""

from livekit import rtc


class Intake:
    """Frames of any rate to s16le mono at `rate` Hz. Their rate may change on the way."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler: rtc.AudioResampler | None = None
        self._from = rate

    def push(self, frame: rtc.AudioFrame) -> bytes:
        """Raises ValueError for more than one channel. A resampler holds back a little."""
        if frame.num_channels != 1:
            raise ValueError(
                f"a voice hears one channel, not {frame.num_channels}: pass the caller's alone"
            )
        rest = b""
        if frame.sample_rate != self._from:
            rest = _pcm(self._resampler.flush()) if self._resampler else b""
            self._from = frame.sample_rate
            self._resampler = self._resampler_from(frame.sample_rate)
        if self._resampler is None:
            return rest + bytes(frame.data)
        return rest + _pcm(self._resampler.push(frame))

    def _resampler_from(self, rate: int) -> rtc.AudioResampler | None:
        if rate == self._rate:
            return None
        return rtc.AudioResampler(input_rate=rate, output_rate=self._rate, num_channels=1)


def _pcm(frames: list[rtc.AudioFrame]) -> bytes:
    return b"".join(bytes(frame.data) for frame in frames)

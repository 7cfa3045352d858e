"""Sound in the containers and codecs that people upload."""

import io

import av
import numpy as np
from numpy.typing import NDArray

FILES = {
    "stereo wav": ("wav", "pcm_s16le", 44_100, "stereo"),
    "float wav": ("wav", "pcm_f32le", 48_000, "mono"),
    "mp3": ("mp3", "libmp3lame", 44_100, "stereo"),
    "mono mp3": ("mp3", "libmp3lame", 22_050, "mono"),
    "flac": ("flac", "flac", 44_100, "mono"),
    "ogg": ("ogg", "libopus", 48_000, "stereo"),
    "m4a": ("ipod", "aac", 44_100, "stereo"),
    "webm": ("webm", "libopus", 48_000, "mono"),
}


def container(kind: str, samples: NDArray[np.int16], rate: int) -> bytes:
    """`samples`: mono, of `rate`; `kind` is one of FILES."""
    name, codec, target, layout = FILES[kind]
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=name) as file:
        stream = file.add_stream(codec, rate=target, layout=layout)
        assert isinstance(stream, av.AudioStream)
        fit = av.AudioResampler(
            format=stream.format.name,
            layout=layout,
            rate=target,
            frame_size=stream.codec_context.frame_size or 1024,
        )
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate = rate
        for fitted in [*fit.resample(frame), *fit.resample(None)]:
            file.mux(stream.encode(fitted))
        file.mux(stream.encode(None))
    return buffer.getvalue()

"""A tap on the way to the listener: which stream's sound is played, and how far."""

from collections import deque
from collections.abc import Callable

from livekit import rtc
from livekit.agents.voice import io
from livekit.plugins.csm_tts.spoken import Spoken

from csm_engine.protocol import SAMPLE_RATE

SPOKEN = "csm_tts.spoken"
"""Key of a frame's `userdata`: the `Spoken` whose sound it is."""

Unclaimed = Callable[[], Spoken | None]
"""Whose sound a frame must be that has lost its mark."""


class Played(io.AudioOutput):
    """Wraps a session's output. Calls `cut` with what was heard of each stream in a playback that
    was interrupted; sound of others is passed on and counted, so that positions hold.
    """

    def __init__(
        self, sink: io.AudioOutput, cut: Callable[[Spoken, float], None], unclaimed: Unclaimed
    ) -> None:
        super().__init__(
            label="csm_tts.Played",
            capabilities=io.AudioOutputCapabilities(pause=True),
            next_in_chain=sink,
            sample_rate=sink.sample_rate,
        )
        self._cut = cut
        self._unclaimed = unclaimed
        self._segments: deque[list[tuple[Spoken | None, float]]] = deque()
        self._capturing = False
        self._released = False
        self.on("playback_finished", self._on_finished)

    def release(self) -> None:
        """Only pass on from now on."""
        self._released = True
        self.off("playback_finished", self._on_finished)

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)
        # Counted once it was taken: of a frame that never was nobody hears the end.
        await super().capture_frame(frame)
        if not self._released:
            self._count(frame)

    def flush(self) -> None:
        super().flush()
        self._capturing = False
        assert self.next_in_chain is not None
        self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        assert self.next_in_chain is not None
        self.next_in_chain.clear_buffer()

    def _count(self, frame: rtc.AudioFrame) -> None:
        if not self._capturing:
            self._capturing = True
            self._segments.append([])
        spoken = self._owner(frame)
        if spoken is not None:
            spoken.captured = (spoken.captured or 0.0) + frame.duration
        self._segments[-1].append((spoken, frame.duration))

    def _owner(self, frame: rtc.AudioFrame) -> Spoken | None:
        spoken = frame.userdata.get(SPOKEN)
        if spoken is None and self.sample_rate not in {None, SAMPLE_RATE}:
            return self._unclaimed()  # LiveKit's resampler makes new frames
        return spoken

    def _on_finished(self, event: io.PlaybackFinishedEvent) -> None:
        if not self._segments:
            return
        left = event.playback_position
        touched: dict[Spoken, None] = {}
        for spoken, seconds in self._segments.popleft():
            heard = min(seconds, max(0.0, left))
            left -= seconds
            if spoken is not None:
                spoken.heard += heard
                touched[spoken] = None
        if event.interrupted:
            for spoken in touched:
                self._cut(spoken, spoken.heard)

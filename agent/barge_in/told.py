"""Tells the session what was heard of a speech that was interrupted."""

from livekit import rtc
from livekit.agents.voice import io

from agent.barge_in.script import LETTERS_A_SECOND, Script


class Told(io.AudioOutput):
    """To be put before all of a session's outputs. The framework's own guess goes by syllables and
    is some words off within a sentence."""

    def __init__(self, output: io.AudioOutput) -> None:
        super().__init__(
            label="Told",
            capabilities=io.AudioOutputCapabilities(pause=True),
            next_in_chain=output,
            sample_rate=output.sample_rate,
        )
        self._script = Script()
        self._pace = LETTERS_A_SECOND
        self._made = 0.0

    def begin(self) -> Script:
        """The script of the speech that comes next, to be written as its text comes."""
        self._script = Script(self._pace)
        return self._script

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._made += frame.duration
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)

    def flush(self) -> None:
        super().flush()
        if self.next_in_chain:
            self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        if self.next_in_chain:
            self.next_in_chain.clear_buffer()

    def on_playback_finished(
        self,
        *,
        playback_position: float,
        interrupted: bool,
        synchronized_transcript: str | None = None,
    ) -> None:
        if interrupted and synchronized_transcript is not None:
            synchronized_transcript = self._script.until(playback_position, self._made)
        self._pace = self._script.pace(self._made)
        self._made = 0.0
        super().on_playback_finished(
            playback_position=playback_position,
            interrupted=interrupted,
            synchronized_transcript=synchronized_transcript,
        )

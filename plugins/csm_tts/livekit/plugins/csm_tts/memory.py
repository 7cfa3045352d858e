"""What one conversation has said and heard, and what its engine is told of that."""

from collections import deque

from livekit.plugins.csm_tts.budget import Budget
from livekit.plugins.csm_tts.line import Line
from livekit.plugins.csm_tts.recent import Recent, append_of
from livekit.plugins.csm_tts.socket import EngineSocket
from livekit.plugins.csm_tts.spoken import Spoken

_MOST_STREAMS = 32
"""Of one reply, or waiting to be played: more than a session ever has."""
_ROUNDING = 0.02
"""Seconds that resampling may add to a stream, or take of it."""


class Memory:
    """Belongs to one TTS. A reply is all that was spoken since the caller's last turn."""

    def __init__(self, line: Line, recent: Recent) -> None:
        self._line = line
        self._recent = recent
        self._streams: deque[Spoken] = deque(maxlen=_MOST_STREAMS)
        self._generation = 0
        self.watched = False
        """Whether somebody sees what is played."""

    def begin(self, budget: Budget) -> Spoken:
        """A stream begins."""
        spoken = Spoken(budget, self._generation)
        spoken.captured = 0.0 if self.watched else None
        self._streams.append(spoken)
        return spoken

    def said(self, socket: EngineSocket, utterance: str, sentence: str, start: float) -> None:
        """A sentence began to sound. What was said beside the conversation belongs to it too."""
        self._recent.agent(sentence, utterance, start)
        if not self._line.is_own(socket) and (turn := append_of("agent", sentence)):
            self._line.tell(turn)

    def heard(self, text: str) -> None:
        """The caller's turn has ended with these words."""
        self._forget_played()
        turn = append_of("caller", text)
        if turn is not None and self._recent.knows_callers:
            self._recent.caller(turn.text)
            self._line.tell(turn)

    def interrupted(self, played: float) -> None:
        """Of the reply, all its streams together, only so many seconds were heard."""
        for spoken in self._streams:
            heard = min(max(0.0, played), spoken.budget.pushed)
            played -= spoken.budget.pushed
            self.cut(spoken, heard)
        self._streams.clear()

    def cut(self, spoken: Spoken, heard: float) -> None:
        for message in spoken.cut(heard):
            self._recent.cut(message.utterance, message.played_ms / 1000)
            self._line.tell(message)

    def unclaimed(self) -> Spoken | None:
        """The oldest stream that gave sound which no output has taken."""
        return next((spoken for spoken in self._streams if spoken.uncaptured > _ROUNDING), None)

    def next_generation(self) -> int:
        """A session has created one more speech."""
        self._generation += 1
        return self._generation

    def cut_unplayed(self, generation: int) -> None:
        """A speech was interrupted: what it had made and no output took was not heard."""
        for spoken in self._streams:
            if spoken.generation == generation and spoken.over and spoken.captured == 0.0:
                self.cut(spoken, 0.0)

    def _forget_played(self) -> None:
        """Unless it may still be playing: a session commits a turn before it stops the speech."""
        if not self.watched:
            self._streams.clear()

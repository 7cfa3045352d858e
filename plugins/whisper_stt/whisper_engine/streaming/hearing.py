"""When to decode what: the policy of one stream, on a clock of samples. Pure.

It sees one speech probability for each window of sound and says what is due. An utterance begins
with the first speech after a final and goes on, over pauses, until the next one.
"""

from dataclasses import dataclass

from whisper_engine.model import Span
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.streaming.vad import WINDOW


@dataclass(frozen=True)
class Policy:
    """Seconds, except the two thresholds of probability."""

    on: float = 0.4
    off: float = 0.25
    least_speech: float = 0.12
    pre_roll: float = 0.4
    pause: float = 0.128
    """Silence after which the text of a final is prepared."""
    ended: float = 0.25
    """Silence after which the speech counts as ended."""
    linger: float = 2.0
    """Silence after which the engine makes a final by itself, for clients that never flush."""
    first_interim: float = 0.3
    interim: float = 0.3
    longest: float = 20.0
    """Length at which an utterance is cut, at its best pause."""
    cut_pause: float = 0.2


@dataclass(frozen=True)
class Utterance:
    """Samples of the stream. `start` has the pre-roll in it; `speech` lies in [onset, end]."""

    start: int
    onset: int
    end: int
    speech: tuple[Span, ...] = ()


@dataclass(frozen=True)
class SpeechStarts:
    at: int


@dataclass(frozen=True)
class SpeechEnds:
    at: int


@dataclass(frozen=True)
class InterimDue:
    pass


@dataclass(frozen=True)
class PreflightDue:
    utterance: Utterance


@dataclass(frozen=True)
class FinalDue:
    """`utterance.end` may lie back: what comes after it belongs to the next.

    `cut`: for its length; the speaker had not ended.
    """

    utterance: Utterance
    cut: bool = False


Due = SpeechStarts | SpeechEnds | InterimDue | PreflightDue | FinalDue


class Hearing:
    """`position` is the number of samples seen, whole windows only.

    `talking`: no pause worth a preflight yet; what comes belongs to the utterance.
    """

    def __init__(self, policy: Policy | None = None) -> None:
        self._policy = policy or Policy()
        self.position = 0
        self._floor = 0
        self._start: int | None = None
        self._onset = 0
        self._voice_end = 0
        self._speech: list[Span] = []
        self._voiced = 0
        self._candidate: int | None = None
        self.talking = False
        self._speaking = False
        self._interim_at = 0
        self._interim_every = _samples(self._policy.interim)
        self._pause = _samples(self._policy.pause)
        self._best_pause: tuple[int, int] | None = None

    @property
    def open(self) -> Utterance | None:
        """What a final now would be of."""
        if self._start is None:
            return None
        return Utterance(self._start, self._onset, self._voice_end, tuple(self._speech))

    @property
    def silence(self) -> int:
        """Samples since the last speech."""
        return self.position - self._voice_end

    @property
    def keep_from(self) -> int:
        """Sound before this sample will not be asked for again."""
        if self._start is not None:
            return self._start
        return max(
            self._floor, (self._candidate or self.position) - _samples(self._policy.pre_roll)
        )

    def step(
        self, probability: float, *, interim: float | None = None, pause: float | None = None
    ) -> list[Due]:
        """One more window of sound. `interim`, `pause`: instead of the policy's, for now."""
        self._interim_every = _samples(interim or self._policy.interim)
        self._pause = _samples(pause or self._policy.pause)
        begin = self.position
        self.position += WINDOW
        heard = probability >= (self._policy.off if self.talking else self._policy.on)
        return self._voice(begin) if heard else self._quiet()

    def take(self) -> Utterance | None:
        """End the utterance here, as a flush does. None when nothing has been said."""
        utterance = self.open
        self._forget(self.position)
        return utterance

    def _voice(self, begin: int) -> list[Due]:
        due: list[Due] = []
        if not self.talking:
            self._candidate = begin if self._candidate is None else self._candidate
            self._voiced += WINDOW
            if self._voiced < _samples(self._policy.least_speech):
                return due
            begin = self._candidate
            due += self._begin(begin)
        if self._start is None:  # talking on after a flush in mid-speech
            self._start, self._onset = self._floor, begin
            self._interim_at = begin + _samples(self._policy.first_interim)
        self._note_speech(begin)
        if self.position >= self._interim_at:
            self._interim_at = self.position + self._interim_every
            due.append(InterimDue())
        return due + self._cut_when_long()

    def _begin(self, onset: int) -> list[Due]:
        if self._start is None:
            self._start = max(self._floor, onset - _samples(self._policy.pre_roll))
            self._onset = onset
            self._interim_at = onset + _samples(self._policy.first_interim)
            self._best_pause = None
        else:
            self._note_pause(onset)
        self.talking, self._candidate, self._voiced = True, None, 0
        if self._speaking:
            return []
        self._speaking = True
        return [SpeechStarts(onset)]

    def _quiet(self) -> list[Due]:
        due: list[Due] = []
        silence = self.silence
        reach = self.position - 2 * _samples(self._policy.least_speech)
        if self._candidate is not None and self._candidate < reach:
            self._candidate, self._voiced = None, 0
        if self.talking and silence >= self._pause:
            self.talking = False
            if utterance := self.open:
                due.append(PreflightDue(utterance))
        if self._speaking and silence >= _samples(self._policy.ended):
            self._speaking = False
            due.append(SpeechEnds(self._voice_end))
        utterance = self.open
        if utterance and not self.talking and silence >= _samples(self._policy.linger):
            self._forget(self.position)
            due.append(FinalDue(utterance))
        return due

    def _note_speech(self, begin: int) -> None:
        if self._speech and self._speech[-1].end == begin:
            begin = self._speech.pop().start
        self._speech.append(Span(begin, self.position))
        self._voice_end = self.position

    def _note_pause(self, onset: int) -> None:
        pause = onset - self._voice_end
        best = self._best_pause[1] - self._best_pause[0] if self._best_pause else 0
        if pause >= max(best, _samples(self._policy.cut_pause)):
            self._best_pause = (self._voice_end, onset)

    def _cut_when_long(self) -> list[Due]:
        utterance = self.open
        if utterance is None or self.position - utterance.start < _samples(self._policy.longest):
            return []
        if self._best_pause is None:
            self._forget(self.position)
            return [FinalDue(utterance, cut=True)]
        end, onset = self._best_pause
        self._start = self._floor = max(end, onset - _samples(self._policy.pre_roll))
        self._onset = onset
        self._best_pause = None
        before = tuple(span for span in self._speech if span.end <= end)
        self._speech = [span for span in self._speech if span.start >= onset]
        return [FinalDue(Utterance(utterance.start, utterance.onset, end, before), cut=True)]

    def _forget(self, floor: int) -> None:
        self._floor = floor
        self._start = None
        self._speech = []
        self._candidate, self._voiced = None, 0
        self._best_pause = None


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)

"""What a listener hears of a sentence whose frames came when they came. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from csm_engine.cli.figures import Quantiles

AUDIBLE = -50.0
"""dBFS of a frame: what is quieter is silence to a caller."""

SLACK = 5e-3
"""Seconds that a frame may be late: no player is without any buffer, nor this clock without fault."""


@dataclass(frozen=True)
class Frame:
    """When it came, how long it sounds, in seconds, and its level in dBFS."""

    at: float
    seconds: float
    level: float


@dataclass
class Sentence:
    """Times of one clock, in seconds. `cut` is when it was cancelled, `done` when the engine had
    ended it; `failed` says why it was not spoken."""

    asked: float
    frames: list[Frame] = field(default_factory=list)
    cut: float | None = None
    done: float | None = None
    failed: str | None = None


@dataclass(frozen=True)
class Heard:
    """Played at its own pace from the first frame on. Seconds: until the first byte, until the first
    audible frame is played, how long it stood still in `underruns` gaps, and when it is over."""

    first: float | None
    audible: float | None
    underruns: int
    starved: float
    over: float


def heard(sentence: Sentence) -> Heard:
    frames = sentence.frames
    if not frames:
        return Heard(None, None, 0, 0.0, sentence.done or sentence.asked)
    audible: float | None = None
    underruns, starved = 0, 0.0
    due = frames[0].at
    for frame in frames:
        if frame.at > due + SLACK:
            underruns += 1
            starved += frame.at - due
        due = max(due, frame.at)
        if audible is None and frame.level > AUDIBLE:
            audible = due - sentence.asked
        due += frame.seconds
    return Heard(frames[0].at - sentence.asked, audible, underruns, starved, due)


def after_cut(sentence: Sentence) -> float | None:
    """Seconds from a cancel to the last frame that still came; None where nothing was cut short."""
    if sentence.cut is None or sentence.done is None or sentence.done < sentence.cut:
        return None
    late = [frame.at for frame in sentence.frames if frame.at > sentence.cut]
    return max(late, default=sentence.cut) - sentence.cut


@dataclass(frozen=True)
class Level:
    """What so many voices on average heard. `refused` conversations had no socket; `unplaced`
    sentences came when no conversation was free; `late` is how late this client asked."""

    load: float
    conversations: int
    refused: int
    sentences: int
    failed: int
    unplaced: int
    most: int
    underruns: int
    starved: float
    first: Quantiles
    audible: Quantiles
    cut: Quantiles
    late: Quantiles
    why: str | None


@dataclass
class Tally:
    """Of one level, while it runs."""

    refused: int = 0
    unplaced: int = 0
    speaking: int = 0
    most: int = 0
    sentences: list[Sentence] = field(default_factory=list)
    late: list[float] = field(default_factory=list)

    def began(self) -> None:
        self.speaking += 1
        self.most = max(self.most, self.speaking)

    def ended(self) -> None:
        self.speaking -= 1


def level(load: float, conversations: int, tally: Tally) -> Level:
    played = [heard(sentence) for sentence in tally.sentences]
    failures = [one.failed for one in tally.sentences if one.failed is not None]
    return Level(
        load=load,
        conversations=conversations,
        refused=tally.refused,
        sentences=len(tally.sentences),
        failed=len(failures),
        unplaced=tally.unplaced,
        most=tally.most,
        underruns=sum(one.underruns for one in played),
        starved=sum(one.starved for one in played),
        first=Quantiles.of(_known(one.first for one in played)),
        audible=Quantiles.of(_known(one.audible for one in played)),
        cut=Quantiles.of(_known(map(after_cut, tally.sentences))),
        late=Quantiles.of(tally.late),
        why=failures[0] if failures else None,
    )


def _known(values: Iterable[float | None]) -> Sequence[float]:
    return [value for value in values if value is not None]

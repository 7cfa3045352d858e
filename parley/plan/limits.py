"""How far each thing goes that calls take of GPUs: memory, and time. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from csm_engine.scheduling.step_times import StepTimes
from parley.plan import ears, mind, voice
from parley.plan.ears import Whisper
from parley.plan.figures import MIB, Bytes, Origin, Source
from parley.plan.gpus import Gpu
from parley.plan.mind import Mind
from parley.plan.results import Measured
from parley.plan.traffic import TELEPHONE, Traffic, voices

MEMORY = "GPU memory"
CONTEXT = 512 * MIB
"""Of CUDA and its libraries in a process."""

RESERVE = 0.02
"""Share of a GPU's memory that is given to nobody."""

MOST = 4096
"""Calls beyond which no one machine is planned."""


@dataclass(frozen=True)
class Asked:
    """
    Args:
        gpus: several: the engines are on the last one, the language model on the others.
        calls: None: as many as fit.
    """

    gpus: tuple[Gpu, ...]
    ears: Whisper | None
    speaks: bool
    mind: Mind | None
    calls: int | None = None
    depth_bits: voice.DepthBits = 16
    traffic: Traffic = TELEPHONE

    @property
    def engines_on(self) -> Gpu:
        return self.gpus[-1]

    @property
    def mind_on(self) -> Gpu:
        return self.gpus[0]

    @property
    def shared(self) -> bool:
        return len(self.gpus) == 1


@dataclass(frozen=True)
class Limit:
    """So many calls, and no more, as far as `what` goes."""

    what: str
    calls: int
    source: Source

    def to_json(self) -> dict[str, object]:
        return {"what": self.what, "calls": self.calls, "source": self.source.to_json()}


def limits(asked: Asked, measured: Measured) -> Sequence[Limit]:
    """The scarcest first. `measured` is of the GPU that the engines are on."""
    found = [Limit(MEMORY, _most(lambda n: _fits(asked, n)), _memory_source(asked))]
    if asked.ears:
        source = measured.whisper_source if asked.ears.name in measured.whisper else None
        cost = _hearing(asked, measured)
        found.append(Limit("hearing", int(ears.LOAD / cost), source or ears.DESIGN))
    if asked.speaks:
        source = measured.csm_source or voice.DESIGN
        most = voice.most_voices(_steps(asked, measured))
        found.append(Limit("speaking", _most(lambda n: voices(n) <= most), source))
    if asked.ears and asked.speaks:
        together = Source(Origin.ESTIMATED, "both engines' shares of the GPU's time, below 60 %")
        keeps = _most(lambda n: busy(asked, measured, n) <= ears.LOAD)
        found.append(Limit("the engines' GPU time", keeps, together))
    if asked.mind:
        found.append(Limit("thinking", _most(lambda n: _thinks(asked, measured, n)), THINKING))
    return sorted(found, key=lambda limit: limit.calls)


THINKING = Source(Origin.ESTIMATED, "roofline: a first sentence within a second, of what is left")


def _memory_source(asked: Asked) -> Source:
    unknown = "engine batches and CUDA graphs are assumed" if asked.mind or asked.ears else ""
    return Source(Origin.ESTIMATED, "; ".join(filter(None, ("counted from dimensions", unknown))))


def _most(fits: Callable[[int], bool]) -> int:
    """The most calls that fit, where fewer always fit too."""
    low, high = 0, MOST
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _fits(asked: Asked, calls: int) -> bool:
    return all(
        sum(part.size for part in parts) <= room(gpu)
        for gpu, parts in zip(asked.gpus, parts(asked, calls), strict=True)
    )


def room(gpu: Gpu) -> int:
    """Bytes that are given away."""
    return int(gpu.memory * (1 - RESERVE))


def parts(asked: Asked, calls: int) -> tuple[tuple[Bytes, ...], ...]:
    """Of each GPU."""
    engines: list[Bytes] = []
    if asked.ears:
        engines += ears.memory(asked.ears)
    if asked.speaks:
        engines += voice.memory(calls, asked.depth_bits)
    thought = tuple(mind.memory(asked.mind, calls)) if asked.mind else ()
    programs = bool(asked.ears) + asked.speaks
    if asked.shared:
        return ((*thought, *engines, _contexts(programs + bool(asked.mind))),)
    rest = ((*thought, _contexts(1)),) * (len(asked.gpus) - 1)
    return (*rest, (*engines, _contexts(programs)))


def _contexts(programs: int) -> Bytes:
    where = Source(Origin.ASSUMED, "0.5 GiB a program")
    return Bytes(f"CUDA itself, in {programs} programs", programs * CONTEXT, where)


def _hearing(asked: Asked, measured: Measured) -> float:
    if asked.ears is None:
        return 0.0
    costs = measured.whisper.get(asked.ears.name)
    return ears.busy(asked.ears, asked.engines_on, asked.traffic, costs)


def _steps(asked: Asked, measured: Measured) -> StepTimes:
    return voice.steps(asked.engines_on, asked.depth_bits, measured.csm)


def busy(asked: Asked, measured: Measured, calls: int) -> float:
    """Share of their GPU's time that the engines take."""
    spoken = voice.busy(_steps(asked, measured), calls) if asked.speaks else 0.0
    return calls * _hearing(asked, measured) + spoken


def _thinks(asked: Asked, measured: Measured, calls: int) -> bool:
    if asked.mind is None or calls == 0:
        return True
    left = 1 - busy(asked, measured, calls) if asked.shared else 1.0
    pace = mind.pace(asked.mind, asked.mind_on, calls, asked.traffic, left)
    return pace.first <= asked.traffic.first_words

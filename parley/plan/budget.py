"""How many calls GPUs carry, what runs out first, and what else would do. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from parley.plan import mind
from parley.plan.asking import IN_FOUR_BITS, LEAST_CONTEXT
from parley.plan.configs import CONFIGS
from parley.plan.errors import PlanError
from parley.plan.figures import Bytes, gib
from parley.plan.gpus import GPUS
from parley.plan.language import Bits
from parley.plan.limits import MEMORY, Asked, Limit, busy, limits, parts, room
from parley.plan.results import ASSUMED_HOST, Host, Measured
from parley.plan.traffic import voices

BITS: tuple[Bits, ...] = (8, 4)
HAVE_FOUR_BITS = frozenset(str(CONFIGS[name]["_name_or_path"]) for name in IN_FOUR_BITS)


@dataclass(frozen=True)
class Plan:
    """`parts`: the bytes on each GPU by its place, for `calls`. `limits`: the scarcest first."""

    asked: Asked
    calls: int
    parts: tuple[tuple[Bytes, ...], ...]
    limits: tuple[Limit, ...]
    pace: mind.Pace | None
    voices: int
    host: Host
    measured: Measured = field(default_factory=Measured)

    @property
    def carries(self) -> int:
        return self.limits[0].calls

    @property
    def left(self) -> tuple[int, ...]:
        """Bytes of each GPU that nobody has."""
        return tuple(
            room(gpu) - sum(part.size for part in parts)
            for gpu, parts in zip(self.asked.gpus, self.parts, strict=True)
        )

    @property
    def cores(self) -> float:
        return self.host.cores * self.calls

    @property
    def host_memory(self) -> int:
        return self.host.idle + self.host.memory * self.calls


def make_plan(asked: Asked, measured: Measured | None = None, host: Host = ASSUMED_HOST) -> Plan:
    """`measured` is of the GPU that the engines are on.

    Raises:
        PlanError: not one call fits, or not as many as were asked for; says what is missing, and
            what would fit.
    """
    known = measured or Measured()
    found = tuple(limits(asked, known))
    if found[0].calls < 1:
        raise PlanError(_too_small(asked, known, found[0]))
    if asked.calls is not None and asked.calls > found[0].calls:
        raise PlanError(
            f"{asked.calls} calls were asked for, {found[0].calls} are carried: "
            f"{found[0].what} runs out first. {_other_ways(asked, known, asked.calls)}"
        )
    calls = asked.calls or found[0].calls
    pace = None
    if asked.mind:
        left = 1 - busy(asked, known, calls) if asked.shared else 1.0
        pace = mind.pace(asked.mind, asked.mind_on, calls, asked.traffic, left)
    return Plan(asked, calls, parts(asked, calls), found, pace, voices(calls), host, known)


def _too_small(asked: Asked, known: Measured, first: Limit) -> str:
    ways = _other_ways(asked, known, 1)
    if first.what != MEMORY:
        return f"not one call is carried: {first.what} is too slow. {ways}"
    gpu, needed = max(
        (
            (gpu, sum(part.size for part in its))
            for gpu, its in zip(asked.gpus, parts(asked, 1), strict=True)
        ),
        key=lambda pair: pair[1] - room(pair[0]),
    )
    return (
        f"not one call fits: {gib(needed)} are needed on {gpu.name}, which has "
        f"{gib(room(gpu))} to give: {gib(needed - room(gpu))} are missing. {ways}"
    )


def _other_ways(asked: Asked, known: Measured, calls: int) -> str:
    """That carry so many calls."""
    found = [
        way
        for way, other in _others(asked)
        if min(limit.calls for limit in limits(other, known)) >= calls
    ]
    return f"These would do: {'; '.join(found)}." if found else "Take more machines."


def _others(asked: Asked) -> Iterator[tuple[str, Asked]]:
    thinks = asked.mind
    if thinks:
        for bits in BITS:
            if bits < thinks.bits and (bits != 4 or thinks.model.name in HAVE_FOUR_BITS):  # noqa: PLR2004
                yield f"--bits {bits}", replace(asked, mind=replace(thinks, bits=bits))
        short = replace(thinks, context=max(LEAST_CONTEXT, thinks.context // 2))
        yield f"--context {short.context}", replace(asked, mind=short)
        if asked.ears or asked.speaks:
            yield "the language model elsewhere (--model none)", replace(asked, mind=None)
    if asked.shared:
        for gpu in GPUS.values():
            if gpu.memory > asked.engines_on.memory:
                yield f"--gpu {gpu.name}", replace(asked, gpus=(gpu,))
        if thinks and (asked.ears or asked.speaks):
            yield "one more of this --gpu", replace(asked, gpus=asked.gpus * 2)

"""What CSM takes of a GPU, by the engine's own count and its own rule of admission. Pure."""

from collections.abc import Sequence
from typing import Literal

from csm_engine.csm.config import CsmConfig, config_from
from csm_engine.csm.fields import Fields
from csm_engine.csm.shapes import CSM_1B
from csm_engine.gpu.plan import GRAPHS
from csm_engine.gpu.plan import memory as engine_memory
from csm_engine.scheduling.admission import Admission, AdmissionLimits
from csm_engine.scheduling.step_times import BUCKETS, FirstValues, StepTimes
from parley.plan.figures import Bytes, Origin, Source
from parley.plan.gpus import Gpu
from parley.plan.traffic import SPOKEN, voices

SPARE = 8
"""Contexts that the engine keeps beside its streams (`csm_engine.loading`)."""

FRAMES = 12.5
"""A second of one voice."""

LAUNCH = 1450 * 3e-6
"""Seconds that a step's kernels take to begin (csm.md §2)."""

READ = {16: 9.11e9, 8: 5.53e9}
"""Bytes of weights that a step reads, by the depth decoder's bits (csm.md §2)."""

ROW_BYTES, ROW_FLOPS = 600 * 32 * 1024, 9.76e9
"""Of one more voice in a step: 600 tokens of its context, and its operations, the codec's too."""

ROW_CODEC = 3.5e-5
"""Seconds of the codec's own kernels; with it, the design's steps are met within a quarter."""

SHARE = 0.4
"""Of a GPU's operations that a batch of so narrow products reaches."""

DESIGN = Source(Origin.ESTIMATED, "csm.md §2")
CONFIG: CsmConfig = config_from(Fields(CSM_1B, "CSM-1B"))
DepthBits = Literal[8, 16]


def streams(calls: int) -> int:
    """CSM_STREAMS: who speaks at once, and enough contexts that no call's is read again."""
    return max(voices(calls), calls - SPARE, 1)


def memory(calls: int, depth_bits: DepthBits) -> Sequence[Bytes]:
    """Of the engine for so many calls and one voice."""
    many = streams(calls)
    parts = engine_memory(
        CONFIG,
        streams=many,
        conversations=many,
        voices=1 + SPARE,
        buckets=[bucket for bucket in BUCKETS if bucket < many],
        layer0_table=True,
        depth_bits=depth_bits,
    )
    where = f"csm_engine.gpu.plan, {many} streams"
    weights = ("backbone", "depth decoder", "depth decoder's tables", "codec")
    graphs = parts[GRAPHS]
    fixed = sum(parts[name] for name in weights)
    return (
        Bytes("CSM: weights and tables", fixed, Source(Origin.COUNTED, where)),
        Bytes(
            "CSM: contexts and rows",
            sum(parts.values()) - fixed - graphs,
            Source(Origin.COUNTED, where),
        ),
        Bytes("CSM: graphs", graphs, Source(Origin.ESTIMATED, where)),
    )


def steps(gpu: Gpu, depth_bits: DepthBits, measured: Sequence[tuple[int, float]] = ()) -> StepTimes:
    """How long a frame for so many voices takes: as measured (rows, seconds), or estimated."""
    row = ROW_CODEC + ROW_BYTES / gpu.bandwidth + ROW_FLOPS / (SHARE * gpu.flops)
    times = StepTimes(FirstValues(step=LAUNCH + READ[depth_bits] / gpu.bandwidth, row=row))
    for rows, seconds in measured:
        for _ in range(LESSONS if rows <= times.largest else 0):
            times.learn(rows, 0, seconds)
    return times


LESSONS = 50
"""Times that a measured step is told, so that nothing is left of the estimate."""


def most_voices(times: StepTimes) -> int:
    return Admission(times, AdmissionLimits()).capacity()


def busy(times: StepTimes, calls: int) -> float:
    """Share of the GPU's time that the voices of so many calls take on average."""
    speaking = max(1, round(SPOKEN * calls)) if calls else 0
    return FRAMES * times.round(speaking) * min(1.0, SPOKEN * calls)

"""From words on a command line to what a plan is asked. Pure, but that it reads a model's config."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from parley.plan.configs import read_model
from parley.plan.ears import whisper
from parley.plan.errors import PlanError
from parley.plan.gpus import Gpu
from parley.plan.language import Bits
from parley.plan.limits import Asked
from parley.plan.mind import KvType, Mind
from parley.plan.voice import DepthBits

NONE = "none"
LEAST_CONTEXT = 1024
"""Tokens. A persona's instructions and tools take half of that."""

IN_FOUR_BITS: Mapping[str, str] = {
    name: f"RedHatAI/{name}-it-quantized.w4a16"
    for name in ("gemma-3-27b", "gemma-3-12b", "gemma-3-4b")
}
"""Checkpoints of others, which nobody has tried here: vLLM cannot make four bits of sixteen."""


@dataclass(frozen=True)
class Words:
    """As they were given. `bits` None: as the model's weights lie there."""

    whisper: str = "large-v3-turbo"
    csm: bool = True
    model: str = "gemma-3-27b"
    bits: int | None = None
    kv: str = "auto"
    context: int = 4096
    calls: int | None = None
    depth_bits: int = 16

    def to_json(self) -> dict[str, object]:
        return asdict(self)


def asked_by(words: Words, gpus: Sequence[Gpu]) -> Asked:
    """Raises PlanError for what is unknown or contradicts itself."""
    if not gpus:
        raise PlanError("name at least one --gpu")
    if words.calls is not None and words.calls < 1:
        raise PlanError(f"--calls {words.calls}: at least 1")
    mind = None if words.model == NONE else _mind(words, gpus[:-1] or gpus)
    hears = None if words.whisper == NONE else whisper(words.whisper)
    if mind is None and hears is None and not words.csm:
        raise PlanError("there is nothing to plan: leave one of --whisper, --csm and --model in")
    depth = words.depth_bits
    if depth not in (8, 16):
        raise PlanError(f"--depth-bits {depth}: 8 or 16")
    depth_bits: DepthBits = 8 if depth == 8 else 16  # noqa: PLR2004
    return Asked(tuple(gpus), hears, words.csm, mind, words.calls, depth_bits)


def _mind(words: Words, gpus: Sequence[Gpu]) -> Mind:
    model, have = read_model(words.model)
    bits = _bits(words.bits or have)
    if have not in (16, bits):
        raise PlanError(f"--bits {bits}: {words.model} has its weights in {have}, leave it out")
    _check_context(words, model.positions)
    if len({gpu.name for gpu in gpus}) > 1:
        raise PlanError("a model is divided among GPUs of one kind: name the same --gpu twice")
    if model.kv_heads % len(gpus):
        raise PlanError(f"{model.kv_heads} KV heads cannot be divided among {len(gpus)} GPUs")
    quantize = "fp8_per_channel" if bits == 8 != have else None  # noqa: PLR2004
    if bits == 4 != have:  # noqa: PLR2004
        if words.model not in IN_FOUR_BITS:
            raise PlanError(
                "--bits 4: vLLM cannot make four bits of sixteen: name the folder of a 4-bit model"
            )
        model = replace(model, name=IN_FOUR_BITS[words.model])
    return Mind(model, bits, _kv(words.kv, gpus[0]), words.context, len(gpus), quantize)


def _bits(bits: int) -> Bits:
    for known in (4, 8, 16):
        if bits == known:
            return known
    raise PlanError(f"--bits {bits}: 4, 8 or 16")


def _kv(kind: str, gpu: Gpu) -> KvType:
    if kind == "auto":
        return "auto"
    if kind != "fp8":
        raise PlanError(f"--kv {kind}: auto or fp8")
    if not gpu.has_fp8:
        raise PlanError(f"--kv fp8: {gpu.name} has no 8-bit floating point: leave it out")
    return "fp8"


def _check_context(words: Words, positions: int) -> None:
    if not LEAST_CONTEXT <= words.context <= positions:
        raise PlanError(
            f"--context {words.context}: from {LEAST_CONTEXT} (instructions, tools and some turns) "
            f"to the model's {positions}"
        )

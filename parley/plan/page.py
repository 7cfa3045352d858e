"""A plan as people and programs read it. Pure."""

import math
import shlex
from collections.abc import Iterator

from parley.plan import flags
from parley.plan.asking import Words
from parley.plan.budget import Plan
from parley.plan.figures import Bytes, Source, gib
from parley.plan.limits import Limit

START = "uv run --project deploy/vllm python deploy/vllm/start.py"


def command(plan: Plan) -> str:
    """What starts vLLM; empty where the language model is elsewhere."""
    given = plan.asked.mind
    if given is None:
        return ""
    words = [word for pair in flags.vllm(plan).items() for word in pair if word]
    return f"{START} {shlex.join([given.model.name, *words])}"


def to_json(plan: Plan, words: Words) -> dict[str, object]:
    """`words` are what `parley doctor` makes the same plan of again."""
    given = plan.asked.mind
    return {
        "asked": words.to_json(),
        "gpus": [gpu.name for gpu in plan.asked.gpus],
        "calls": plan.calls,
        "carries": plan.carries,
        "first_to_run_out": plan.limits[0].what,
        "limits": [limit.to_json() for limit in plan.limits],
        "memory": [[part.to_json() for part in parts] for parts in plan.parts],
        "left_bytes": list(plan.left),
        "kv_bytes_a_call": given.a_call if given else None,
        "voices": plan.voices,
        "first_sentence_seconds": plan.pace and round(plan.pace.first, 3),
        "token_seconds": plan.pace and round(plan.pace.step, 4),
        "host": {
            "cores": round(plan.cores, 2),
            "bytes": plan.host_memory,
            "source": plan.host.source.to_json(),
        },
        "vllm": {"model": given.model.name, "flags": dict(flags.vllm(plan))} if given else None,
        "settings": dict(flags.engines(plan)),
        "versions": flags.TRIED,
    }


def page(plan: Plan) -> str:
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.calls} calls at once; {plan.limits[0].what} runs out first, at {plan.carries}."
    yield from ("", "How many calls, by what runs out:")
    yield from map(_limit, plan.limits)
    for gpu, parts, left in zip(plan.asked.gpus, plan.parts, plan.left, strict=True):
        yield from ("", f"Memory of {gpu.name}, {gib(gpu.memory)}, 2 % of it kept free:")
        yield from map(_part, parts)
        yield f"  {gib(left):>10}  left"
    yield from _talk(plan)
    yield from ("", f"Beside the models, on the host ({_source(plan.host.source)}):")
    yield f"  {math.ceil(plan.cores)} cores, {gib(plan.host_memory)}"
    yield from ("", "Engines and worker (.env):")
    yield from (f"  {name}={value}" for name, value in flags.engines(plan).items())
    if plan.asked.mind:
        yield from ("", "vLLM, when the engines are ready (it measures what is free):")
        yield f"  {command(plan)}"


def _talk(plan: Plan) -> Iterator[str]:
    yield ""
    yield f"At once {plan.voices} voices speak, but for one moment in a hundred."
    if plan.asked.mind and plan.pace:
        yield (
            f"The cache keeps {gib(plan.asked.mind.a_call)} of a call. A first sentence takes "
            f"{plan.pace.first:.2f} s, a token {1000 * plan.pace.step:.0f} ms (estimated)."
        )


def _limit(limit: Limit) -> str:
    return f"  {limit.calls:>10}  {limit.what} ({_source(limit.source)})"


def _part(part: Bytes) -> str:
    return f"  {gib(part.size):>10}  {part.what} ({_source(part.source)})"


def _source(source: Source) -> str:
    return f"{source.origin}: {source.where}"

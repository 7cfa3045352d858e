"""A plan held against a machine. Pure."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from parley.plan.budget import Plan
from parley.plan.figures import gib
from parley.plan.flags import TRIED
from parley.plan.gpus import Gpu, Seen
from parley.plan.machine import Machine
from sip.doctor.finding import Finding, Reporter, Verdict

CSM_ON_DISK = 6_600_000_000
"""Bytes: the released checkpoint is in float32."""

VERSION = re.compile(r"\d+\.\d+\.\d+")
BUILT_HERE = "0.0.0"
"""What livekit-sip says of itself when it was built from its module."""


def compare(plan: Plan, machine: Machine) -> Sequence[Finding]:
    return (*_gpus(plan, machine), *_host(plan, machine), *_versions(machine))


def page(findings: Sequence[Finding]) -> str:
    lines = [
        f"{each.verdict:8} {each.check:16} {each.says}"
        + (f"\n{'':25} → {each.fix}" * bool(each.fix))
        for each in findings
    ]
    bad = sum(each.verdict is Verdict.FAILED for each in findings)
    return "\n".join([*lines, "", f"{bad} of {len(findings)} failed" if bad else "the plan fits"])


def _gpus(plan: Plan, machine: Machine) -> Iterator[Finding]:
    used = [sum(part.size for part in parts) for parts in plan.parts]
    pairs = zip_longest(plan.asked.gpus, used, machine.gpus[: len(used)])
    for number, (gpu, needed, seen) in enumerate(pairs):
        yield _gpu(Reporter(f"GPU {number}"), gpu, needed, seen)


def _gpu(report: Reporter, gpu: Gpu, needed: int, seen: Seen | None) -> Finding:
    if seen is None:
        return report.failed(
            f"{gpu.name} is planned, nvidia-smi names none", "install the driver, or the GPU"
        )
    if seen.memory < needed:
        return report.failed(
            f"{seen.name} has {gib(seen.memory)}, the plan takes {gib(needed)}",
            "plan for this GPU: leave --gpu out",
        )
    if seen.gpu is None or seen.gpu.name != gpu.name:
        return report.warning(
            f"it is a {seen.name}, the plan is for {gpu.name}: times will differ",
            "plan for this GPU: leave --gpu out",
        )
    if seen.free < needed:
        return report.warning(
            f"{gib(seen.free)} are free, the plan takes {gib(needed)}",
            "nothing, if it is the plan's own programs that run; else end what holds the rest",
        )
    return report.ok(f"{seen.name}, {gib(seen.free)} free, driver {seen.driver}")


def _host(plan: Plan, machine: Machine) -> Iterator[Finding]:
    report = Reporter("cores")
    if machine.cores < plan.cores:
        yield report.warning(
            f"{machine.cores}, and {plan.cores:.1f} are wanted ({plan.host.source.origin})",
            "more cores, or fewer calls (--calls)",
        )
    else:
        yield report.ok(f"{machine.cores}, {plan.cores:.1f} wanted")
    for name, has, wants in (
        ("memory", machine.memory, plan.host_memory),
        ("disk", machine.disk, weights_on_disk(plan)),
    ):
        report = Reporter(name)
        if has < wants:
            yield report.failed(f"{gib(has)}, and {gib(wants)} are wanted", f"more {name}")
        else:
            yield report.ok(f"{gib(has)}, {gib(wants)} wanted")


def weights_on_disk(plan: Plan) -> int:
    """Bytes. What vLLM makes smaller itself lies there in 16 bits."""
    asked = plan.asked
    needed = CSM_ON_DISK if asked.speaks else 0
    if asked.ears:
        needed += 2 * asked.ears.parameters
    if asked.mind:
        needed += asked.mind.model.weights(16 if asked.mind.quantize else asked.mind.bits)
    return needed


def _versions(machine: Machine) -> Iterator[Finding]:
    for name, tried in TRIED.items():
        report = Reporter(name)
        said = machine.versions.get(name)
        found = VERSION.search(said or "")
        if said is None or found is None:
            yield report.skipped("not installed here")
        elif found[0] in (tried, BUILT_HERE):
            yield report.ok(f"{tried}, which the plan knows")
        else:
            yield report.warning(
                f"{found[0]} was never tried, {tried} is what the plan knows",
                f"install {tried}, or try a call before you rely on it",
            )

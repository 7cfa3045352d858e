"""Runs the checks: those that need nothing of each other together, each for so long at most."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from sip.doctor.finding import Examination, Finding, Reporter, Verdict

LOOK = 2.5
"""Seconds that a check may take if it says nothing else."""

Looked = Sequence[Finding] | Finding


@dataclass(frozen=True)
class Check:
    """`look` is awaited when all checks that it `needs` are done; it is skipped if one of them failed.

    Each of `needs` must have been named before it.
    """

    name: str
    look: Callable[[Reporter], Awaitable[Looked]]
    needs: tuple[str, ...] = ()
    limit: float = LOOK


async def examine(checks: Iterable[Check]) -> Examination:
    """In the order of `checks`."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    running = dict[str, asyncio.Task[tuple[Finding, ...]]]()
    async with asyncio.TaskGroup() as group:
        for check in checks:
            before = {name: running[name] for name in check.needs}
            running[check.name] = group.create_task(_run(check, before))
    findings = [finding for task in running.values() for finding in task.result()]
    return Examination(tuple(findings), loop.time() - began)


async def _run(
    check: Check, before: Mapping[str, asyncio.Task[tuple[Finding, ...]]]
) -> tuple[Finding, ...]:
    report = Reporter(check.name)
    for name, task in before.items():
        if not _may_go_on(await task):
            return (report.skipped(f"{name} comes first"),)
    try:
        async with asyncio.timeout(check.limit):
            looked = await check.look(report)
    except TimeoutError:
        return (
            report.failed(
                f"no answer in {check.limit:g} s",
                "see whether what it asks runs and is not overloaded",
            ),
        )
    return (looked,) if isinstance(looked, Finding) else tuple(looked)


def _may_go_on(findings: Iterable[Finding]) -> bool:
    return not any(each.verdict in {Verdict.FAILED, Verdict.SKIPPED} for each in findings)

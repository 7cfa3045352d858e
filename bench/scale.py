"""What so many calls at once need: `python -m bench.scale`.

From what one call takes of each part (measured where `bench.part_costs` has run, else assumed) to nodes of
each, from 1 call to 10,000, so that the loss of one node of each leaves what is promised. A simulation of
calls that come and go and talk in turns is held against the rule for what is at once. Runs on nothing but
arithmetic, in some ten seconds; writes bench/results/scale.md and scale.json.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.record import RESULTS, started, write
from bench.scale_figures import BEGINS, LASTS, TALK, parts, read_costs
from bench.scale_parts import Part, Share, first_to_end, layout
from bench.scale_talk import AtOnce, simulate
from parley.plan.errors import PlanError
from parley.plan.figures import Source
from parley.plan.gpus import Gpu, gpu_by_name
from parley.plan.traffic import SIGMAS, SPOKEN, voices

SIZES = (1, 10, 100, 1000, 10_000)
SIMULATED = 300
"""Seconds."""

Rule = tuple[int, int, AtOnce]
"""Voices and arrivals by the rule, and what was simulated."""


def page(known: Sequence[Part], rules: dict[int, Rule]) -> Iterator[str]:
    yield "# From one call to ten thousand"
    yield "Computed, not run: what a call takes and what a node has, with the origin of each."
    yield ""
    yield "## One node of each"
    yield ""
    yield "| part | a node | what of it | a call takes | known how | a node gives | known how | calls on a node |"
    yield "|---|---|---|---|---|---|---|---|"
    for part in known:
        yield from _needs(part)
    yield ""
    yield f"Bold: what runs out first on a node. Calls last {LASTS:.0f} s (assumed)."
    for size in SIZES:
        yield from _size(layout(known, size), size)
    yield from _simulated(rules)


def _needs(part: Part) -> Iterator[str]:
    for need in part.needs:
        takes = f"{need.each:g} of each that begins" if need.each else f"{need.a_call:.3g}"
        what = f"**{need.what}**" if need is part.first else need.what
        cells = (part.name, part.node, what, takes, _source(need.takes))
        yield f"| {' | '.join((*cells, f'{need.node:g}', _source(need.has), f'{need.carries:,}'))} |"


def _source(source: Source) -> str:
    return f"{source.origin}: {source.where}"


def _size(shares: Sequence[Share], size: int) -> Iterator[str]:
    first = first_to_end(shares)
    yield ""
    yield f"## {size:,} at once"
    yield ""
    yield "| part | nodes | scarcest | used | with one node lost | left then | calls on a node | known how |"
    yield "|---|---|---|---|---|---|---|---|"
    for share in shares:
        scarce = share.scarce
        cells = (
            share.part.name,
            str(share.nodes),
            scarce.what,
            f"{share.used:.1%}",
            f"{share.used_with_loss:.1%}",
            f"{1 - share.used_with_loss:.1%}" if share.is_enough else "**too little**",
            f"{share.calls_of_a_node:,}",
            f"{scarce.takes.origin}; {scarce.has.origin}",
        )
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield f"Least is left of: {first.part.name}, {first.scarce.what}."


def _simulated(rules: dict[int, Rule]) -> Iterator[str]:
    yield ""
    yield "## At once: the rule and the simulation"
    yield ""
    yield (
        f"One moment in a hundred has more. The rule is the mean and {SIGMAS} standard deviations; the simulation "
        f"has {SIMULATED} s of calls that last {LASTS:.0f} s by chance, in which the agent speaks {SPOKEN:.0%}."
    )
    yield ""
    yield "| calls | voices, rule | voices, simulated | begun in a second, rule | simulated | answers begun in a second, simulated |"
    yield "|---|---|---|---|---|---|"
    for size, (speak, begun, seen) in rules.items():
        yield f"| {size:,} | {speak} | {seen.voices} | {begun} | {seen.arrivals} | {seen.turns} |"


def begun_in_a_second(calls: int) -> int:
    """Of so many, but for one second in a hundred."""
    mean = calls * BEGINS
    return math.ceil(mean + SIGMAS * math.sqrt(mean))


def _told(share: Share) -> dict[str, Any]:
    return {
        "part": share.part.name,
        "nodes": share.nodes,
        "scarcest": share.scarce.what,
        "used": round(share.used, 4),
        "used_with_one_lost": round(share.used_with_loss, 4),
        "enough": share.is_enough,
    }


def _known(part: Part) -> dict[str, Any]:
    needs = [
        {
            "what": need.what,
            "a_call": need.a_call,
            "events_a_second": need.events,
            "each": need.each,
            "node": need.node,
            "takes": need.takes.to_json(),
            "has": need.has.to_json(),
        }
        for need in part.needs
    ]
    return {"part": part.name, "node": part.node, "calls_on_a_node": part.carries, "needs": needs}


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--gpu", default="h200", help="of each node that has models")
    options.add_argument("--out", type=Path, default=RESULTS, help="folder of the results")
    given = options.parse_args()
    try:
        gpu: Gpu = gpu_by_name(given.gpu)
        known = parts(read_costs(RESULTS), gpu, RESULTS)
    except PlanError as error:
        options.error(str(error))
    facts = started()
    rules = {
        size: (voices(size), begun_in_a_second(size), simulate(TALK, size, SIMULATED))
        for size in SIZES
    }
    body = {
        "parts": [_known(part) for part in known],
        "sizes": {size: [_told(share) for share in layout(known, size)] for size in SIZES},
        "at_once": {
            size: {"voices": speak, "begun": begun, "simulated": vars(seen)}
            for size, (speak, begun, seen) in rules.items()
        },
    }
    text, _ = write("scale", facts, page(known, rules), body, given.out)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

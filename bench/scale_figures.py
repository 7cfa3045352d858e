"""What a call takes of each part and what a node of it has, each with how that is known."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.scale_parts import Need, Part
from bench.scale_talk import Talk
from parley.plan.asking import Words, asked_by
from parley.plan.figures import MIB, Origin, Source
from parley.plan.gpus import Gpu
from parley.plan.limits import limits
from parley.plan.results import read_measured
from parley.plan.traffic import SPOKEN

LASTS = 180.0
"""Seconds of a call."""

TALK = Talk(LASTS, SPOKEN)
BEGINS = 1 / LASTS

CORES, MEMORY, LINE = 16, 32 * 1024, 1000.0
"""Of a node without a GPU: cores, MiB, and Mbit/s each way."""

KEPT = 0.7
"""Share of a node's cores, memory and line that calls are given; livekit-server's own bound for new rooms
is as high (`sysload_limit`)."""

PORTS, DRAINS = 10_000, 30.0
"""livekit-sip's range of RTP ports, and seconds that a port is kept after its call (sip/bridge.yaml)."""

TRACKS, TRACKS_OF_A_CORE, MOST_TRACKS = 4, 400, 8000
LEG = 0.08
"""Mbit/s of G.711 in 20 ms packets, one way, with IP, UDP and RTP."""

ROOM_LEG = 0.05
"""Mbit/s of the same sound as Opus to the room."""

REDIS, DATABASE = 50_000.0, 1000.0
"""Commands a second of one redis, and transactions a second of one PostgreSQL on a disk of its own."""

SEEN = 0.2
"""Times a second that a call's row says that its worker lives (docs/ledger.md)."""

MEASURED = "part_costs.json"
"""In bench/results, written by `bench.part_costs`."""


@dataclass(frozen=True)
class Costs:
    """A call's. `cores` and `mib` by part, `commands` of redis that it takes in all, `rows` of the ledger
    in a second of it."""

    cores: Mapping[str, float]
    mib: Mapping[str, float]
    commands: float
    rows: float
    source: Source


UNMEASURED = Costs(
    cores={"livekit-sip": 0.02, "livekit-server": 0.02, "worker": 0.16},
    mib={"livekit-sip": 7.0, "livekit-server": 13.0, "worker": 75.0},
    commands=300.0,
    rows=0.35,
    source=Source(Origin.ASSUMED, f"until bench/results/{MEASURED} is there"),
)


def read_costs(folder: Path) -> Costs:
    """Of `bench.part_costs`, where it has run."""
    try:
        found: Any = json.loads((folder / MEASURED).read_bytes())
        parts, machine = found["parts"], found["machine"]
        where = f"bench/results/{MEASURED}, {machine['cpu']}, {str(machine['date'])[:10]}"
        return Costs(
            cores={name: float(parts[name]["cores"]) for name in UNMEASURED.cores},
            mib={name: float(parts[name]["mib"]) for name in UNMEASURED.mib},
            commands=float(found["redis_commands"]),
            rows=float(found["ledger_rows_a_second"]),
            source=Source(Origin.MEASURED, where),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return UNMEASURED


def assumed(where: str) -> Source:
    return Source(Origin.ASSUMED, where)


def counted(where: str) -> Source:
    return Source(Origin.COUNTED, where)


NODE = assumed(f"{CORES} cores, {MEMORY // 1024} GiB, 1 Gbit/s, used to {KEPT:.0%}")
PACKETS = counted("packets of 200 bytes, 50 a second, and Opus beside them")


def parts(costs: Costs, gpu: Gpu, results: Path) -> tuple[Part, ...]:
    """In the order of a call's way. `gpu` is that of the speech nodes and of the language model's."""
    return (
        Part("bridge", "livekit-sip", (_ports(), *_host(costs, "livekit-sip"), _line())),
        Part("rooms", "livekit-server", (_tracks(), *_host(costs, "livekit-server"))),
        Part("workers", "agent", _host(costs, "worker")),
        _models("speech", gpu, Words(model="none"), results),
        _models("language model", gpu, Words(whisper="none", csm=False), results),
        Part("bus", "redis, one and one that stands by", (_redis(costs),), grows=False),
        Part("ledger", "PostgreSQL, one and one that stands by", (_rows(costs),), grows=False),
        Part("placed calls", "Twilio trunk, if all calls are placed", (_trunk(),), spare=0),
    )


def _host(costs: Costs, part: str) -> tuple[Need, Need]:
    return (
        Need("cores", costs.cores[part], KEPT * CORES, costs.source, NODE),
        Need("MiB", costs.mib[part], KEPT * MEMORY, costs.source, NODE),
    )


def _ports() -> Need:
    return Need(
        "RTP ports",
        1 + DRAINS / LASTS,
        PORTS,
        counted("one a call, and 30 s after it (sip/bridge.yaml)"),
        counted("livekit-sip's own range, from 10000; sip/bridge.yaml has 400"),
    )


def _line() -> Need:
    return Need("Mbit/s each way", LEG + ROOM_LEG, KEPT * LINE, PACKETS, NODE)


def _tracks() -> Need:
    return Need(
        "tracks",
        TRACKS,
        min(MOST_TRACKS, CORES * TRACKS_OF_A_CORE),
        counted("two published, two subscribed"),
        counted("livekit-server 1.13.5: 400 a core, 8000 at most"),
    )


def _models(name: str, gpu: Gpu, words: Words, results: Path) -> Part:
    scarce, *_ = limits(asked_by(words, [gpu]), read_measured(results, gpu))
    share = 1 / max(1, scarce.calls)
    model = counted("its share of a node's calls")
    needs = (Need(scarce.what, share, 1.0, model, scarce.source),)
    return Part(name, f"one {gpu.name}, {gpu.memory / MIB / 1024:.0f} GiB", needs)


def _redis(costs: Costs) -> Need:
    return Need(
        "commands a second",
        0.0,
        REDIS,
        costs.source,
        assumed("one thread; its own documentation has twice that"),
        events=BEGINS,
        each=costs.commands,
    )


def _rows(costs: Costs) -> Need:
    return Need(
        "writes a second",
        SEEN + costs.rows,
        DATABASE,
        Source(costs.source.origin, f"{costs.source.where}; a mark every 5 s (counted)"),
        assumed("a disk that syncs a thousand times a second"),
    )


def _trunk() -> Need:
    return Need(
        "calls a second",
        0.0,
        1.0,
        counted(f"a call lasts {LASTS:.0f} s (assumed)"),
        Source(Origin.ESTIMATED, "Twilio's documentation: 1 a second and trunk, 5 on request"),
        events=BEGINS,
        each=1.0,
    )

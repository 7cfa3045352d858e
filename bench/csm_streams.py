"""How many voices a running engine speaks with: `python -m bench.csm_streams --url http://…:8102`.

Any engine behind this wire, with any model. Sentences come at random, whatever the engine does
(open loop, Poisson), each on a conversation that is free; a listener plays them at their own pace.
The load rises until somebody hears a gap or is refused. A key is the engine's own setting,
CSM_LISTEN__KEY. Writes bench/results/csm_streams.*.
"""

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr

from bench import record
from bench.csm_callers import TALK, Engine, Load, RefusedError, hold, mean_seconds, sizes
from bench.csm_heard import AUDIBLE, SLACK, Level
from csm_engine.cli.figures import Quantiles, milliseconds, table
from csm_engine.config import Settings
from csm_engine.protocol import Remembers

HEAD = (
    "voices on average (most)",
    "conversations (refused)",
    "sentences",
    "first byte, ms p50 / p95",
    "audible, ms p50 / p95",
    "underruns (ms of silence)",
    "cancel → last frame, ms p50 / p95",
    "failed, unplaced",
    "this client late, ms p95",
)


async def ramp(engine: Engine, options: argparse.Namespace, sentence: float) -> list[Level]:
    levels: list[Level] = []
    for speaking in options.loads or sizes(options.largest):
        load = Load(speaking, options.seconds, sentence, options.cut, options.seed)
        levels.append(await hold(engine, load))
        print(levels[-1], file=sys.stderr, flush=True)
        if not options.all and too_much(levels[-1]):
            break
    return levels


def too_much(level: Level) -> bool:
    return bool(level.underruns or level.refused or level.failed)


def page(facts: Mapping[str, Any], levels: Sequence[Level]) -> Iterator[str]:
    yield "# Voices of a running engine"
    yield f"Model {facts['model']}, voice {facts['voice']}, sentences of {facts['sentence']:.2f} s on average,"
    yield f"{facts['seconds']:g} s a level. A conversation's voice speaks {TALK:.0%} of the time. Audible: the"
    yield f"first frame above {AUDIBLE:g} dBFS, when it is played; an underrun: a frame more than {1000 * SLACK:g} ms"
    yield "after it was due. The client runs on this machine too if the URL says so."
    if facts["load_before"] >= 1:
        yield "The machine was not quiet: other work ran beside this."
    yield ""
    yield from table(HEAD, map(_cells, levels))
    yield ""
    yield _verdict(levels)
    for level in levels:
        if level.why:
            yield f"- {level.load:g} voices: {level.why}"


def _verdict(levels: Sequence[Level]) -> str:
    good = [level.load for level in levels if not too_much(level)]
    if not good:
        return "Not even the first level was without a gap, a refusal or a failure."
    beyond = f"{levels[-1].load:g} were too many" if too_much(levels[-1]) else "more were not tried"
    return f"{max(good):g} voices on average without a gap, a refusal or a failure; {beyond}."


def _cells(level: Level) -> tuple[str, ...]:
    return (
        f"{level.load:g} ({level.most})",
        f"{level.conversations} ({level.refused})",
        str(level.sentences),
        _pair(level.first),
        _pair(level.audible),
        f"{level.underruns} ({1000 * level.starved:.0f})",
        _pair(level.cut),
        f"{level.failed}, {level.unplaced}",
        milliseconds(level.late.p95),
    )


def _pair(figures: Quantiles) -> str:
    return f"{milliseconds(figures.p50)} / {milliseconds(figures.p95)}"


async def main(options: argparse.Namespace, key: SecretStr | None) -> int:
    facts = record.started()
    engine = Engine(options.url, key, options.voice, options.remembers)
    try:
        sentence, model = await mean_seconds(engine)
        levels = await ramp(engine, options, sentence)
    except RefusedError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    facts |= {"model": model, "voice": options.voice, "sentence": sentence}
    facts |= {"seconds": options.seconds}
    body = {"levels": list(map(asdict, levels))}
    text, data = record.write("csm_streams", facts, page(facts, levels), body, options.out)
    print(data if options.json else text)
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="http://127.0.0.1:8102")
    parser.add_argument("--voice", default="default")
    parser.add_argument("--remembers", choices=get_args(Remembers), default="agent")
    parser.add_argument("--loads", type=float, nargs="+", help="voices speaking on average")
    parser.add_argument("--largest", type=float, default=256, help="load, where none are named")
    parser.add_argument("--all", action="store_true", help="go on after a level that was too much")
    parser.add_argument("--seconds", type=float, default=60, help="of each level")
    parser.add_argument("--cut", type=float, default=0.2, help="share of sentences cut short")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print the figures, not the page")
    parser.add_argument("--out", type=Path, default=record.RESULTS, help="folder of the results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(parse(sys.argv[1:]), Settings().listen.key)))

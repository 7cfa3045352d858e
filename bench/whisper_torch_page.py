"""What was measured in torch, as a page that people read."""

from collections.abc import Iterator, Mapping, Sequence

from bench.simulated_table import line
from bench.whisper_borne import LATE, Calls, Simulated
from bench.whisper_fit import Fit
from bench.whisper_torch import POSITIONS
from bench.whisper_torch_costs import JOBS, TOKENS, Costs, Timing

MARK = "torch, not CTranslate2"
SHOWN = (400, 800, 3000)
"""Mel frames of whisper.md's columns."""

DECODES_A_CALL = 1.25
"""A second: 38 % talk, interims each 0.4 s, 0.3 finals."""

LOAD = 0.6

_WHOLE = 100


def page(
    costs: Sequence[Costs],
    fits: Sequence[Fit],
    held: Simulated,
    where: Mapping[str, str],
) -> Iterator[str]:
    yield f"# Whisper's shapes on a GPU: {MARK}"
    yield f"{where['gpu']}; {where['torch']}, {where['dtype']}."
    yield f"Modules of transformers' Whisper with random weights; a static cache of {POSITIONS} positions; greedy. No"
    yield "features, alignment, language detection or guards. *eager*: each kernel launched from Python; *graph*: a CUDA"
    yield "graph for the encoder, the prompt and the step. CTranslate2 launches from C++ and lies somewhere else."
    yield from ("", f"## Large picture ({MARK})", "")
    yield from _table(_SUMMARY_HEAD, map(_summary, costs))
    yield f"A whole decode is {TOKENS} tokens. Calls: {LOAD:.0%} of the decodes a second, at {DECODES_A_CALL} a call."
    yield from ("", f"## Simulated calls ({MARK})", "")
    yield "The engine's scheduler and load policy on virtual time, two workers, costs fitted as below. Interims as the policy"
    yield "says:"
    yield ""
    yield from _table(_CALLS_HEAD, map(_calls, held.at))
    yield ""
    yield f"Streams by period: most calls of {', '.join(map(str, held.ladder))} whose finals come within {1000 * LATE:.0f} ms of their flush at p95,"
    yield "with room for one more all the time, and interims no sooner than each period:"
    yield ""
    yield from _table(_CALLS_HEAD, map(_calls, held.most))
    for each, its in zip(costs, fits, strict=True):
        yield from ("", f"## {each.shape}, {each.way} ({MARK})")
        yield from _detail(each, its)


_SUMMARY_HEAD = (
    "shape",
    "way",
    *(f"encode {frames / 100:g} s, batch 1, ms" for frames in SHOWN),
    *(f"decodes/s at {frames / 100:g} s, batch 16" for frames in SHOWN),
    "calls by that (4 / 8 / 30 s)",
    "weights / peak MiB",
)

_CALLS_HEAD = (
    "shape",
    "way",
    "finals at",
    "interims each",
    "calls",
    "flush → final, ms p50 / p95 / p99",
    "speech → text ready, ms p50 / p95 / p99",
    "interims a minute of call",
    "in time",
)


def _summary(costs: Costs) -> Iterator[str]:
    encodings, wholes = _by_size(costs.encodings), _by_size(costs.wholes)
    rates = [16 / wholes[frames, 16] if (frames, 16) in wholes else None for frames in SHOWN]
    yield costs.shape
    yield costs.way
    yield from (_ms(encodings.get((frames, 1))) for frames in SHOWN)
    yield from ("-" if rate is None else f"{rate:.0f}" for rate in rates)
    calls = [None if rate is None else LOAD * rate / DECODES_A_CALL for rate in rates]
    yield " / ".join("-" if each is None else f"{each:.0f}" for each in calls)
    yield f"{costs.weights:.0f} / " + ("-" if costs.peak is None else f"{costs.peak:.0f}")


def _calls(held: Calls) -> Iterator[str]:
    yield held.shape
    yield held.way
    yield "30 s" if held.padded else "their length"
    yield {None: "none", 0.0: "by load"}.get(held.period, f"{held.period} s")
    yield str(held.calls)
    for times in (held.finals, held.ready):
        yield " / ".join(map(_ms, times)) or "-"
    yield f"{held.interims:.0f}"
    yield "yes" if held.calls and held.in_time else "no"


def _detail(costs: Costs, its: Fit) -> Iterator[str]:
    for what, timings in (
        ("Encoder", costs.encodings),
        ("One token of each item", costs.steps),
        (f"Whole decode, {TOKENS} tokens", costs.wholes),
    ):
        yield from ("", f"{what}, ms of a batch:", "")
        yield from _grid(timings)
    one, two = costs.together
    yield ""
    yield f"{JOBS} turns by one worker {_ms(one)} ms, by two {_ms(two)} ms."
    errors = sorted(abs(error) for error in its.errors)
    takes = its.takes
    terms = (takes.batch, takes.frame, takes.frame_squared, takes.step, takes.row_step)
    yield f"Fitted: `--cost {' '.join(f'{term:.3g}' for term in terms)}`; a whole decode is off by {errors[len(errors) // 2]:.0%}"
    yield f"in the middle and {errors[-1]:.0%} at worst."


def _grid(timings: Sequence[Timing]) -> Iterator[str]:
    seconds = _by_size(timings)
    lengths = sorted({frames for frames, _ in seconds})
    batches = sorted({batch for _, batch in seconds})
    head = ("seconds of sound", *(f"batch {batch}" for batch in batches))
    rows = (
        (f"{frames / 100:g}", *(_ms(seconds[frames, batch]) for batch in batches))
        for frames in lengths
    )
    yield from _table(head, rows)


def _by_size(timings: Sequence[Timing]) -> dict[tuple[int, int], float]:
    return {(each.frames, each.batch): each.seconds for each in timings}


def _table(head: Sequence[str], rows: Iterator[Iterator[str] | Sequence[str]]) -> Iterator[str]:
    yield line(head)
    yield line(["---"] * len(head))
    yield from (line(list(row)) for row in rows)


def _ms(seconds: float | None) -> str:
    """Three digits at least."""
    if seconds is None:
        return "-"
    value = 1000 * seconds
    return f"{value:.0f}" if value >= _WHOLE else f"{value:.3g}"

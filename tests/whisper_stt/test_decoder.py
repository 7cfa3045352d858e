"""One stream's decodes, on a batcher whose model always says the same."""

import time
from collections.abc import Sequence

from prometheus_client import CollectorRegistry

from whisper_engine.model import Kind, Request, Span
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.whisper.batcher import Batcher
from whisper_engine.whisper.cost import CPU, Cost
from whisper_engine.whisper.decoder import Decoding, WhisperDecoder
from whisper_engine.whisper.evidence import Limits
from whisper_engine.whisper.languages import LanguageLock
from whisper_engine.whisper.lengths import Lengths
from whisper_engine.whisper.metrics import DecodeMetrics
from whisper_engine.whisper.scheduler import CPU_LIMITS
from whisper_engine.whisper.task import Decoded, Task


def maybe_german(tasks: Sequence[Task]) -> list[Decoded]:
    return [Decoded("so", (1,), -0.1, 0.0, "de", 0.6, capped=False) for _ in tasks]


def request(kind: Kind, start: int) -> Request:
    return Request(kind, bytes(2 * SAMPLE_RATE), start, (Span(0, SAMPLE_RATE // 2),))


async def test_a_turn_counts_once_for_its_language_however_often_it_is_decoded() -> None:
    batcher: Batcher[Task, Decoded] = Batcher(
        maybe_german, workers=1, limits=CPU_LIMITS, cost=Cost(CPU), patience=1.0
    )
    metrics = DecodeMetrics(CollectorRegistry())
    decoding = Decoding(batcher, Lengths(), Limits(), metrics, beam=1, clock=time.monotonic)
    lock = LanguageLock(("en", "de"))
    decoder = WhisperDecoder(decoding, 0, lock, lambda _: ())
    long_turn = [(Kind.SPECULATIVE, 0), (Kind.INTERIM, 9_000), (Kind.FINAL, 0)]
    async with batcher.running():
        for kind, start in [*long_turn, (Kind.FINAL, 20_000)]:
            await decoder.decode(request(kind, start))
        assert set(lock.candidates) == {"en", "de"}
        await decoder.decode(request(Kind.FINAL, 40_000))
    assert set(lock.candidates) == {"de"}

"""Paced calls against a real socket, and what is made of their times."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from parley_serving import ListenSettings, build_app
from tests.serving.running import running
from tests.whisper_stt.counting import Counting
from whisper_engine.cli.calls import CallError, Heard, RefusedError, call, calls_at_once, trimmed
from whisper_engine.cli.figures import Quantiles, call_figures, call_row, milliseconds
from whisper_engine.cli.voice import voice
from whisper_engine.config import Settings
from whisper_engine.protocol import MAX_MESSAGE_BYTES, SAMPLE_RATE
from whisper_engine.server import make_service
from whisper_engine.streaming.vad import WINDOW, Vad

TURN = trimmed(voice(0.9))


@pytest.fixture
def model() -> Counting:
    return Counting()


@pytest.fixture
async def url(model: Counting) -> AsyncIterator[str]:
    service = make_service(model, Settings(listen=ListenSettings(port=1, max_sessions=1)))
    async with running(build_app(service), max_message=MAX_MESSAGE_BYTES) as server:
        yield server.url


async def test_a_call_is_told_its_turns_at_the_pace_of_speech(url: str) -> None:
    (heard,) = await call(url, [TURN], delay=0.3)
    assert heard.speech == pytest.approx(TURN.seconds)
    assert heard.text
    assert heard.hit in {True, None}
    ((first, words), *_) = heard.interims
    assert 0 < first < heard.speech + heard.ready
    assert words >= 1
    assert 0 < heard.flush_to_final < heard.final
    assert heard.ready <= heard.final


async def test_a_call_that_is_refused_says_so() -> None:
    service = make_service(Counting(), Settings(listen=ListenSettings(port=1)))
    service.gate.draining.set()
    async with running(build_app(service), max_message=MAX_MESSAGE_BYTES) as server:
        with pytest.raises(RefusedError, match="503"):
            await call(server.url, [TURN])
        assert await calls_at_once(server.url, [TURN], 2) == [None, None]


async def test_an_engine_that_is_not_there_is_named() -> None:
    with pytest.raises(CallError, match="there is no engine at http"):
        await call("http://127.0.0.1:9", [TURN])


async def test_an_engine_that_fails_ends_the_call(url: str, model: Counting) -> None:
    model.broken = True
    with pytest.raises(CallError, match="fallen off the bus"):
        await call(url, [TURN], delay=0.1)


def test_silence_at_the_ends_is_no_part_of_a_turn() -> None:
    quiet = np.zeros(SAMPLE_RATE, np.int16)
    speech = voice(1.0)
    turn = trimmed(np.concatenate([quiet, speech, quiet]))
    assert turn.seconds == pytest.approx(1.0, abs=0.1)
    assert trimmed(quiet).seconds == 0


def test_a_voice_without_words_is_speech_to_the_detector() -> None:
    pcm = np.concatenate([np.zeros(SAMPLE_RATE // 2, np.int16), voice(3.0, seed=2)])
    whole = pcm[: len(pcm) // WINDOW * WINDOW]
    found = Vad().probabilities(whole.tobytes())
    silent = SAMPLE_RATE // 2 // WINDOW
    assert max(found[:silent]) < 0.35
    assert np.mean(np.array(found[silent:]) > 0.35) > 0.9


def heard(ready: float, *, hit: bool | None = True, text: str = "yes") -> Heard:
    return Heard(1.0, (), ready, ready + 0.1, ready / 10, text, hit)


def test_figures_are_of_all_turns_of_all_calls() -> None:
    figures = call_figures(
        [[heard(0.1), heard(0.3, hit=None)], None, [heard(0.2, hit=False, text=""), heard(0.4)]]
    )
    assert (figures.calls, figures.refused, figures.turns, figures.empty) == (3, 1, 4, 1)
    assert (figures.told, figures.hits) == (3, 2)
    assert figures.ready == Quantiles(4, 0.2, 0.4, 0.4)
    assert figures.first_interim == Quantiles(0, None, None, None)
    assert call_row(figures) == (
        *(
            "3",
            "4",
            "200 / 400 / 400",
            "300 / 500 / 500",
            "20 / 40 / 40",
            "10 / 40 / 40",
            "- / - / -",
            "2 of 3",
            "1",
            "1",
        ),
    )


def test_quantiles_are_times_that_were_measured() -> None:
    assert Quantiles.of(range(1, 101)) == Quantiles(100, 50, 95, 99)
    assert Quantiles.of([3.0]) == Quantiles(1, 3.0, 3.0, 3.0)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(None, "-"), (0.00123, "1.23"), (0.0456, "45.6"), (1.2345, "1234")]
)
def test_milliseconds_have_three_digits(seconds: float | None, shown: str) -> None:
    assert milliseconds(seconds) == shown

"""What a listener hears is reckoned right, and a real engine can be loaded over its socket."""

import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from bench.csm_callers import Engine, RefusedError, connected, mean_seconds, sizes
from bench.csm_heard import SLACK, Frame, Sentence, Tally, after_cut, heard, level
from bench.csm_streams import main, parse
from parley_serving import ListenSettings
from tests.csm_tts.conftest import KEY, app_of
from tests.csm_tts.tone import Tone
from tests.serving.running import running

FRAME = 0.08
LOUD, SILENT = -20.0, -math.inf


def sentence(
    *came: float,
    levels: tuple[float, ...] = (),
    cut: float | None = None,
    done: float | None = None,
) -> Sentence:
    levels = levels or (LOUD,) * len(came)
    frames = [Frame(at, FRAME, loud) for at, loud in zip(came, levels, strict=True)]
    return Sentence(0.0, frames, cut, done)


def test_frames_ahead_of_their_time_are_no_gap() -> None:
    known = heard(sentence(0.1, 0.1, 0.2, 0.339))
    assert (known.first, known.underruns, known.starved) == (0.1, 0, 0)
    assert known.over == pytest.approx(0.1 + 4 * FRAME)


def test_a_late_frame_is_a_gap_and_those_after_it_wait() -> None:
    known = heard(sentence(0.1, 0.3, 0.3, 0.6))
    assert known.underruns == 2
    assert known.starved == pytest.approx(0.12 + 0.14)
    assert known.over == pytest.approx(0.68)


def test_audible_is_when_the_first_loud_frame_is_played() -> None:
    known = heard(sentence(0.1, 0.1, 0.1, levels=(SILENT, -50.0, -49.9)))
    assert known.first == 0.1
    assert known.audible == pytest.approx(0.1 + 2 * FRAME)
    assert heard(sentence(0.1, levels=(SILENT,))).audible is None


def test_of_what_made_no_sound_nothing_was_heard() -> None:
    known = heard(Sentence(1.0, done=2.0))
    assert (known.first, known.audible, known.underruns, known.over) == (None, None, 0, 2.0)


def test_a_cancel_is_over_with_the_last_frame_that_came_after_it() -> None:
    assert after_cut(sentence(0.1, 0.2, cut=0.15, done=0.3)) == pytest.approx(0.05)
    assert after_cut(sentence(0.1, cut=0.15, done=0.3)) == 0
    assert after_cut(sentence(0.1, cut=0.5, done=0.3)) is None, "it was over before"
    assert after_cut(sentence(0.1, done=0.3)) is None


@given(st.lists(st.floats(0, 0.3), min_size=1, max_size=30))
def test_gaps_and_sound_fill_the_time_from_the_first_frame_to_the_end(waits: list[float]) -> None:
    at, came = 0.0, []
    for wait in waits:
        at += wait
        came.append(at)
    known = heard(sentence(*came))
    whole = came[0] + len(came) * FRAME
    assert known.over >= max(whole, came[-1] + FRAME) - 1e-9
    # What is late by less than the slack is forgiven, not forgotten.
    assert known.starved <= known.over - whole + 1e-9 <= known.starved + len(came) * SLACK + 1e-9


def test_a_level_sums_up_what_all_heard() -> None:
    tally = Tally(refused=1, unplaced=2, most=3)
    tally.sentences = [sentence(0.1, 0.5), sentence(0.2), Sentence(0.0, failed="no room")]
    summed = level(2.0, 8, tally)
    assert (summed.sentences, summed.failed, summed.why) == (3, 1, "no room")
    assert summed.underruns == 1
    assert summed.starved == pytest.approx(0.32)
    assert (summed.first.n, summed.first.p50, summed.first.p95) == (2, 0.1, 0.2)


def test_levels_rise_up_to_the_largest() -> None:
    assert sizes(100) == [1, 2, 4, 8, 16, 32, 64, 96]
    assert sizes(256)[-1] == 256


@pytest.mark.engine
async def test_a_running_engine_is_loaded_over_its_socket(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    listen = ListenSettings(port=1, key=SecretStr(KEY), max_sessions=16)
    app, _ = app_of(Tone(), listen=listen)
    async with running(app) as server:
        few = ("--loads", "2", "1", "--seconds", "0.6", "--cut", "0.5", "--json")
        options = parse(["--url", server.url, *few, "--out", str(tmp_path)])
        assert await main(options, SecretStr(KEY)) == 0
    levels = json.loads(capsys.readouterr().out)["levels"]
    # The second level is only there if nobody heard a gap in the first.
    first = levels[0]
    assert (first["load"], first["conversations"], first["refused"]) == (2, 7, 0)
    assert first["sentences"] > 0
    assert first["failed"] == 0
    assert first["first"]["p50"] > 0
    page = (tmp_path / "csm_streams.md").read_text()
    assert "Model tone" in page
    assert KEY not in page


@pytest.mark.engine
async def test_conversations_that_are_refused_are_told_from_no_engine() -> None:
    app, _ = app_of(Tone(), listen=ListenSettings(port=1, key=SecretStr(KEY), max_sessions=1))
    async with running(app) as server:
        engine = Engine(server.url, SecretStr(KEY), "default", "agent")
        async with connected(engine):
            with pytest.raises(RefusedError, match="takes no conversation"):
                await mean_seconds(engine)
        with pytest.raises(RefusedError, match="no voice 'eve'"):
            await mean_seconds(Engine(server.url, SecretStr(KEY), "eve", "agent"))
        with pytest.raises(RefusedError, match="takes no conversation"):
            await mean_seconds(Engine(server.url, None, "default", "agent"))
    with pytest.raises(RefusedError, match="there is no engine at"):
        await mean_seconds(engine)

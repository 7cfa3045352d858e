import json
from pathlib import Path

import pytest

from bench.waterfall import Heard, log_lines, median_turn, steps_of


def line(role: str, room: str = "call-1", **metrics: float) -> str:
    return json.dumps({"message": "turn", "role": role, "room": room, "metrics": metrics})


def test_the_steps_of_a_turn_add_up_to_what_the_caller_waited(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text(
        "\n".join(
            [
                "not JSON at all",
                line("user", stopped_speaking_at=50.0, end_of_turn_delay=0.2),
                line("assistant", started_speaking_at=50.5),
                line("user", stopped_speaking_at=100.2, end_of_turn_delay=0.3),
                line("assistant", started_speaking_at=100.55, tts_node_ttfb=0.01),
                line("user", room="call-2", stopped_speaking_at=100.1, end_of_turn_delay=0.9),
            ]
        )
    )
    (steps,) = steps_of([Heard("call-1", stopped=100.0, reply=0.75)], log_lines(log))
    assert (steps.hear, steps.turn, steps.answer, steps.play) == pytest.approx(
        (0.2, 0.3, 0.05, 0.2)
    )
    assert steps.hear + steps.turn + steps.answer + steps.play == pytest.approx(steps.reply)
    assert (steps.speak, steps.think) == (0.01, None)


def test_a_turn_that_the_log_does_not_have_is_left_out() -> None:
    lines = [json.loads(line("user", stopped_speaking_at=50.0, end_of_turn_delay=0.2))]
    assert steps_of([Heard("call-1", 50.0, 0.7), Heard("call-9", 50.0, 0.7)], lines) == []


def test_the_median_turn_is_a_real_one() -> None:
    lines = [
        json.loads(text)
        for start in (10.0, 20.0, 30.0, 40.0)
        for text in (
            line("user", stopped_speaking_at=start, end_of_turn_delay=0.2),
            line("assistant", started_speaking_at=start + 0.3),
        )
    ]
    heard = [Heard("call-1", 10.0 * n, n / 10) for n in (4, 1, 3, 2)]
    assert median_turn(steps_of(heard, lines)).reply == 0.2

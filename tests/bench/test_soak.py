"""What grows is told from what is only restless."""

import random

from bench.soak_judge import judge, slope


def looks(grows: float = 0.0, *, restless: float = 0.0, many: int = 48) -> list[dict[str, float]]:
    """At a worker of 600 MiB whose memory grows by so much with each call."""
    chance = random.Random(3)
    return [
        {
            "calls": 20.0 + 10 * n,
            "worker MiB": 600 + grows * 10 * n + chance.uniform(-restless, restless),
            "worker descriptors": 80.0,
            "worker processes": 5.0 + n % 2,
            "rows missing": 0.0,
        }
        for n in range(many)
    ]


def growing(samples: list[dict[str, float]]) -> list[str]:
    return [each.name for each in judge(samples) if not each.flat]


def test_what_is_restless_does_not_grow() -> None:
    assert growing(looks()) == []
    assert growing(looks(restless=40.0)) == []


def test_a_little_with_each_call_is_growth() -> None:
    assert growing(looks(0.1, restless=10.0)) == ["worker MiB"]


def test_one_look_that_is_far_off_moves_nothing() -> None:
    samples = looks()
    samples[-1]["worker MiB"] = 5000.0
    samples[0]["worker descriptors"] = 0.0
    assert growing(samples) == []


def test_a_row_that_is_missing_is_one_too_many() -> None:
    samples = looks()
    for n, sample in enumerate(samples):
        sample["rows missing"] = n / 24
    assert growing(samples) == ["rows missing"]


def test_too_few_looks_say_nothing() -> None:
    assert judge(looks(many=2)) == []
    assert slope([0.0, 1.0, 2.0], [5.0, 7.0, 9.0]) == 2.0

"""The sampler draws from the distribution it should, and from nobody else's numbers."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from csm_engine.csm.philox import gumbel, philox
from csm_engine.csm.sampler import MAX_TOP_K, Sampling, sample

pytestmark = pytest.mark.engine

KNOWN = [
    # Published with Random123 (kat_vectors), philox4x32 of 10 rounds: counter, key, result.
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN)
def test_philox_is_the_published_one(
    counter: tuple[int, int, int, int], key: tuple[int, int], result: tuple[int, ...]
) -> None:
    a, b, c, d = (torch.tensor([word]) for word in counter)
    low, high = (torch.tensor([word]) for word in key)
    assert tuple(int(word) for word in philox((a, b, c, d), (low, high))) == result


def drawn(logits: torch.Tensor, seeds: torch.Tensor, **sampling: float) -> torch.Tensor:
    """A code for each seed, from one row of scores."""
    rows = len(seeds)
    noise = gumbel(seeds, torch.zeros(rows, dtype=torch.long), 1, len(logits))[:, 0]
    temperature = torch.full((rows,), float(sampling.get("temperature", 1.0)))
    top_k = torch.full((rows,), int(sampling.get("top_k", 0)))
    return sample(logits.expand(rows, -1), temperature, top_k, noise)


@pytest.mark.parametrize(("temperature", "top_k"), [(0.9, 10), (0.9, 0), (0.6, 5), (1.5, 60)])
def test_codes_follow_the_softmax_of_the_top_k(temperature: float, top_k: int) -> None:
    count, draws = 67, 40_000
    logits = torch.randn(count, generator=torch.Generator().manual_seed(3))
    codes = drawn(logits, torch.arange(draws), temperature=temperature, top_k=top_k)
    kept = logits >= logits.sort(descending=True).values[(top_k or count) - 1]
    expected = (logits / temperature).masked_fill(~kept, -torch.inf).softmax(0) * draws
    seen = torch.bincount(codes, minlength=count)
    assert not seen[~kept].any()
    often = expected > 5
    counts = [seen[often].tolist(), expected[often].tolist()]
    if (kept & ~often).any():
        for column, numbers in zip(counts, (seen, expected), strict=True):
            column.append(float(numbers[~often].sum()))
    test = stats.chisquare(*counts, sum_check=False)
    assert test.pvalue > 1e-3


def test_frames_codebooks_and_codes_draw_apart() -> None:
    noise = gumbel(torch.tensor([7]), torch.tensor([0]), 32, 2048)[0]
    later = gumbel(torch.tensor([7]), torch.tensor([1]), 32, 2048)[0]
    other = gumbel(torch.tensor([7 + 2**32]), torch.tensor([0]), 32, 2048)[0]
    assert torch.isfinite(noise).all()
    for one, another in ((noise, later), (noise, other), (noise[0], noise[1])):
        correlation = float(torch.corrcoef(torch.stack((one.flatten(), another.flatten())))[0, 1])
        assert abs(correlation) < 4 / one.numel() ** 0.5
    assert stats.kstest(noise.flatten().numpy(), stats.gumbel_r.cdf).pvalue > 1e-3


def test_greedy_is_the_first_of_the_largest() -> None:
    logits = torch.randn(5, 67, generator=torch.Generator().manual_seed(0))
    logits[2, [4, 9]] = 50.0
    noise = torch.full_like(logits, torch.nan)
    for top_k in (0, 1, 50):
        codes = sample(logits, torch.zeros(5), torch.full((5,), top_k), noise)
        assert torch.equal(codes, logits.argmax(1))
        assert codes[2] == 4


def test_scores_as_large_as_the_last_kept_are_kept_too() -> None:
    codes = drawn(torch.tensor([1.0, 2.0, 1.0, 0.0]), torch.arange(500), top_k=2)
    assert set(codes.tolist()) == {0, 1, 2}


rows_of_seeds = st.lists(st.integers(0, 2**63 - 1), min_size=2, max_size=5, unique=True)


@settings(max_examples=50, deadline=None)
@given(seeds=rows_of_seeds, data=st.data())
def test_a_row_draws_the_same_in_any_company(seeds: list[int], data: st.DataObject) -> None:
    frames = data.draw(st.lists(st.integers(0, 5_000), min_size=len(seeds), max_size=len(seeds)))
    order = data.draw(st.permutations(range(len(seeds))))
    whole = gumbel(torch.tensor(seeds), torch.tensor(frames), 4, 67)
    for place in order:
        one = gumbel(torch.tensor([seeds[place]]), torch.tensor([frames[place]]), 4, 67)
        assert torch.equal(one[0], whole[place])
    mixed = gumbel(torch.tensor(seeds)[order], torch.tensor(frames)[order], 4, 67)
    assert torch.equal(mixed, whole[order])


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": -0.1},
        {"temperature": float("nan")},
        {"temperature": 9.0},
        {"top_k": -1},
        {"top_k": MAX_TOP_K + 1},
        {"seed": -1},
        {"seed": 2**63},
        {"min_frames": -1},
    ],
)
def test_a_setting_that_cannot_be_sampled_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Sampling(**wrong)  # type: ignore[arg-type]

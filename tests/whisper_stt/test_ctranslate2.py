"""What the engine relies on, and what it steers around, in the installed CTranslate2."""

from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest
from numpy.typing import NDArray

from whisper_engine.synthetic import write_random, write_scripted
from whisper_engine.whisper import lengths
from whisper_engine.whisper.files import load_tokenizer
from whisper_engine.whisper.prompts import Prompts

WORDS = "one two three four five six"


class Case:
    """A model loaded as the engine does it, but for the numbers."""

    def __init__(self, folder: Path) -> None:
        self.model: Any = ctranslate2.models.Whisper(str(folder), compute_type="float32")
        self.tokenizer = load_tokenizer(folder)
        self.prompts = Prompts(self.tokenizer, multilingual=self.model.is_multilingual)
        self.start = [*self.prompts.start("en")]

    def features(self, frames: int, items: int = 1) -> Any:
        noise = np.random.default_rng(frames).standard_normal((items, self.model.n_mels, frames))
        return ctranslate2.StorageView.from_array(noise.astype(np.float32))

    def generate(self, features: Any, prompts: list[list[int]], **options: Any) -> list[Any]:
        results: list[Any] = self.model.generate(
            features, prompts, return_scores=True, **{"beam_size": 1, **options}
        )
        return results


@pytest.fixture(scope="module")
def random(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Case]:
    folder = tmp_path_factory.mktemp("random")
    write_random(folder / "80", "micro")
    write_random(folder / "128", "micro-128")
    return {mels: Case(folder / str(mels)) for mels in (80, 128)}


@pytest.fixture(scope="module")
def scripted(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("scripted")
    write_scripted(folder, WORDS, listens=False)
    return Case(folder)


@pytest.mark.parametrize("mels", [80, 128])
def test_encoded_audio_is_encoded_again_at_the_colliding_lengths_alone(
    random: dict[int, Case], mels: int
) -> None:
    """Once CTranslate2 tells the two apart, `lengths.collides` can go."""
    case = random[mels]

    def score(features: Any) -> float:
        return float(case.generate(features, [case.start], max_length=16)[0].scores[0])

    def differs(frames: int) -> bool:
        features = case.features(frames)
        return score(features) != pytest.approx(score(case.model.encode(features)), abs=1e-5)

    near = [*range(2 * mels - 4, 2 * mels + 4), 300]
    assert [frames for frames in near if differs(frames)] == [2 * mels - 1, 2 * mels]
    assert [frames for frames in near if lengths.collides(frames, mels)] == [
        2 * mels - 1,
        2 * mels,
    ]


@pytest.mark.parametrize("frames", [1, 2, 299, 300, 1000, 3000])
def test_short_audio_is_encoded_to_half_its_frames(random: dict[int, Case], frames: int) -> None:
    encoded = random[80].model.encode(random[80].features(frames))
    assert encoded.shape == [1, lengths.encoded_frames(frames), 64]


def test_more_than_thirty_seconds_are_refused(random: dict[int, Case]) -> None:
    with pytest.raises(ValueError, match="3001"):
        random[80].model.encode(random[80].features(lengths.FULL_FRAMES + 1))


def test_features_must_be_contiguous() -> None:
    cut: NDArray[np.float32] = np.zeros((1, 80, 301), np.float32)[:, :, :300]
    with pytest.raises(ValueError, match="contiguous"):
        ctranslate2.StorageView.from_array(cut)


def test_prompts_must_start_at_one_index(scripted: Case) -> None:
    led = [*scripted.prompts.build_previous(keyterms=["three"]), *scripted.start]
    with pytest.raises(ValueError, match="startoftranscript"):
        scripted.generate(scripted.features(300, 2), [scripted.start, led])


def test_prompts_of_one_length_may_differ(scripted: Case) -> None:
    previous = [scripted.prompts.build_previous(keyterms=[term]) for term in ("three", "four")]
    prompts = [[*tokens, *scripted.start] for tokens in previous]
    results = scripted.generate(scripted.features(300, 2), prompts)
    assert [scripted.tokenizer.decode(result.sequences_ids[0]) for result in results] == [
        f" {WORDS}",
        f" {WORDS}",
    ]


@pytest.mark.parametrize(("limit", "generated"), [(6, 3), (8, 4), (9, 4)])
def test_half_of_max_length_is_generated(scripted: Case, limit: int, generated: int) -> None:
    (result,) = scripted.generate(scripted.features(300), [scripted.start], max_length=limit)
    assert len(result.sequences_ids[0]) == generated


def test_a_long_prompt_takes_from_max_length(scripted: Case) -> None:
    led = [*scripted.prompts.build_previous(keyterms=["three"]), *scripted.start]
    (result,) = scripted.generate(scripted.features(300), [led], max_length=len(led) + 2)
    assert len(result.sequences_ids[0]) == 3


@pytest.mark.parametrize("tokens", [1, 3, 5])
@pytest.mark.parametrize("keyterms", [[], ["three"]])
def test_our_max_length_lets_just_so_many_tokens_be_said(
    scripted: Case, tokens: int, keyterms: list[str]
) -> None:
    led = [*scripted.prompts.build_previous(keyterms=keyterms), *scripted.start]
    limit = lengths.max_length(tokens, len(led))
    (result,) = scripted.generate(scripted.features(300), [led], max_length=limit)
    assert len(result.sequences_ids[0]) == tokens


def test_score_counts_the_end_token_and_is_divided_by_the_others(scripted: Case) -> None:
    features, sure = scripted.features(300), np.log(0.9)
    (total,) = scripted.generate(features, [scripted.start], length_penalty=0)
    assert total.scores[0] == pytest.approx(7 * sure, rel=1e-3)
    (mean,) = scripted.generate(features, [scripted.start], length_penalty=1)
    assert mean.scores[0] == pytest.approx(7 * sure / 6, rel=1e-3)
    (cut,) = scripted.generate(features, [scripted.start], length_penalty=0, max_length=8)
    assert cut.scores[0] == pytest.approx(4 * sure, rel=1e-3)


def test_score_of_an_empty_text_is_not_a_number(tmp_path: Path) -> None:
    write_scripted(tmp_path, "one")
    case = Case(tmp_path)
    silence = ctranslate2.StorageView.from_array(np.full((1, 80, 300), -1.5, np.float32))
    (result,) = case.generate(silence, [case.start])
    assert result.sequences_ids[0] == []
    assert np.isnan(result.scores[0])
    (result,) = case.generate(silence, [case.start], length_penalty=0)
    assert not np.isnan(result.scores[0])


def test_empty_texts_are_aligned_beside_others(scripted: Case) -> None:
    encoded = scripted.model.encode(scripted.features(300, 2))
    text = scripted.tokenizer.encode(f" {WORDS}").ids
    start = [*scripted.prompts.align_start("en")]
    nothing, words = scripted.model.align(encoded, start, [[], text], [300, 300])
    assert list(nothing.text_token_probs) == []
    assert len(words.text_token_probs) == 6


def test_empty_token_makes_a_model_multilingual(tmp_path: Path) -> None:
    write_scripted(tmp_path, "one", multilingual=False)
    assert not Case(tmp_path).model.is_multilingual
    write_scripted(tmp_path, "one", multilingual=True)
    assert Case(tmp_path).model.is_multilingual

"""One loaded Whisper: batches of tasks in, texts out. Blocking; any number of threads may call it."""

import copy
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens

from whisper_engine.whisper.device import (
    Device,
    DeviceError,
    check_compute_type,
    choose_device,
    default_compute_type,
)
from whisper_engine.whisper.features import Features, Padding
from whisper_engine.whisper.files import ModelFilesError, find_model, load_tokenizer
from whisper_engine.whisper.lengths import (
    BUCKETS,
    FRAME_SAMPLES,
    FULL_FRAMES,
    MOST_TOKENS,
    collides,
    max_length,
)
from whisper_engine.whisper.prompts import Prompts
from whisper_engine.whisper.task import Decoded, DecodedWord, Task
from whisper_engine.whisper.tokens import LANGUAGES, language_token
from whisper_engine.whisper.words import make_words


class Weights:
    """Made by `load`; `prompts` builds what a task's `previous` takes."""

    def __init__(self, name: str, model: Any, tokenizer: Any) -> None:
        self.name = name
        self._model = model
        self.multilingual: bool = model.is_multilingual
        self.mels: int = model.n_mels
        self.device: str = model.device
        self.compute_type: str = model.compute_type
        self.prompts = Prompts(tokenizer, multilingual=self.multilingual)
        self.languages = _languages(tokenizer) if self.multilingual else ("en",)
        self._tokenizers = {
            language: Tokenizer(tokenizer, self.multilingual, "transcribe", language)
            for language in self.languages
        }
        self._features = Features(self.mels)
        # The same for every language, and a third of a millisecond to make.
        self._suppressed = list(get_suppressed_tokens(self._tokenizers[self.languages[0]], [-1]))

    @classmethod
    def load(
        cls,
        name: str,
        *,
        device: Device = "auto",
        compute_type: str | None = None,
        workers: int = 1,
        threads: int | None = None,
    ) -> "Weights":
        """Find the files, download them if need be, and load them.

        Args:
            name: as `find_model` takes it.
            device: "auto" is the GPU if there is one.
            compute_type: as CTranslate2 names it; None: int8 on a CPU, float16 on a GPU.
            workers: batches at once.
            threads: of one worker, on a CPU; None: the cores shared among the workers.

        Raises:
            ModelFilesError: see `find_model`; or the files are not a Whisper's.
            DeviceError: no CUDA, or not this compute type.
        """
        place = choose_device(device)
        folder = find_model(name)
        tokenizer = load_tokenizer(folder)
        compute_type = compute_type or default_compute_type(place)
        check_compute_type(place, compute_type)
        try:
            model = ctranslate2.models.Whisper(
                str(folder),
                device=place,
                compute_type=compute_type,
                inter_threads=workers,
                intra_threads=threads or max(1, (os.cpu_count() or 1) // workers),
                # Otherwise a call blocks once a few wait. The queue is the batcher's.
                max_queued_batches=-1,
            )
        except (RuntimeError, ValueError) as error:
            raise ModelFilesError(f"{folder} is not a Whisper of CTranslate2's: {error}") from error
        weights = cls(name, model, tokenizer)
        if place == "cuda":
            weights._probe()
        return weights

    def padded(self, padding: Padding) -> "Weights":
        """The same model, with its inputs filled up in this way."""
        other = copy.copy(self)
        other._features = Features(self.mels, padding)
        return other

    def decode(self, tasks: Sequence[Task]) -> list[Decoded]:
        """One batch, of one `group`. A task's result does not depend on the others in its batch, but for
        `logprob` where it is `capped`.

        Raises:
            ValueError: no tasks, tasks of several groups, or one that this model cannot do.
            RuntimeError: CTranslate2 failed.
        """
        self._check(tasks)
        features = ctranslate2.StorageView.from_array(self._features.batch(tasks))
        encoded = self._model.encode(features)
        spoken = self._detect(encoded, tasks)
        return self._align(encoded, tasks, self._generate(encoded, tasks, spoken))

    def _check(self, tasks: Sequence[Task]) -> None:
        groups = {task.group for task in tasks}
        if len(groups) != 1:
            raise ValueError(f"a batch is of one group, not of {len(groups)}")
        frames = tasks[0].frames
        if not 0 < frames <= FULL_FRAMES or collides(frames, self.mels):
            raise ValueError(f"{frames} frames cannot be encoded: take one of `lengths.BUCKETS`")
        for task in tasks:
            if not 1 <= task.max_tokens <= MOST_TOKENS:
                raise ValueError(f"max_tokens is {task.max_tokens}, not 1 to {MOST_TOKENS}")
            if not task.languages or not set(task.languages) <= set(self.languages):
                raise ValueError(f"{self.name} cannot choose among the languages {task.languages}")

    def _detect(self, encoded: Any, tasks: Sequence[Task]) -> list[tuple[str, float]]:
        """The language of each task, and its probability among those allowed."""
        given = [(task.languages[0], 1.0) for task in tasks]
        if all(len(task.languages) == 1 for task in tasks):
            return given
        return [
            _likeliest(task.languages, dict(found)) if len(task.languages) > 1 else known
            for task, known, found in zip(
                tasks, given, self._model.detect_language(encoded), strict=True
            )
        ]

    def _generate(
        self, encoded: Any, tasks: Sequence[Task], spoken: Sequence[tuple[str, float]]
    ) -> list[Decoded]:
        prompts = [
            [*task.previous, *self.prompts.start(language)]
            for task, (language, _) in zip(tasks, spoken, strict=True)
        ]
        beam = tasks[0].beam
        most = max(task.max_tokens for task in tasks)
        results = self._model.generate(
            encoded,
            prompts,
            beam_size=beam,
            # With 0 a score is a sum. A beam search compares hypotheses by it and needs the mean.
            length_penalty=0 if beam == 1 else 1,
            max_length=max_length(most, len(prompts[0])),
            suppress_tokens=self._suppressed,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            self._read(task, *language, result, most)
            for task, language, result in zip(tasks, spoken, results, strict=True)
        ]

    def _read(
        self, task: Task, language: str, probability: float, result: Any, most: int
    ) -> Decoded:
        tokenizer = self._tokenizers[language]
        said = result.sequences_ids[0]
        tokens = tuple(token for token in said[: task.max_tokens] if token < tokenizer.eot)
        total = result.scores[0] * (1 if task.beam == 1 else len(said))
        return Decoded(
            text=tokenizer.decode(list(tokens)).strip(),
            tokens=tokens,
            logprob=_mean(total, len(said) + (len(said) < most)),
            no_speech=result.no_speech_prob,
            language=language,
            language_probability=probability,
            capped=len(said) >= task.max_tokens,
        )

    def _align(
        self, encoded: Any, tasks: Sequence[Task], texts: Sequence[Decoded]
    ) -> list[Decoded]:
        """`align()` takes one start sequence a call, and what is encoded cannot be cut on a GPU: one call a
        language, with empty texts for the items of others.
        """
        wanted = [task.words and bool(text.tokens) for task, text in zip(tasks, texts, strict=True)]
        frames = [min(-(-len(task.pcm) // FRAME_SAMPLES), task.frames) for task in tasks]
        words: dict[int, tuple[DecodedWord, ...]] = {}
        for language in {text.language for text, want in zip(texts, wanted, strict=True) if want}:
            mine = [
                number
                for number, text in enumerate(texts)
                if wanted[number] and text.language == language
            ]
            found = self._model.align(
                encoded,
                list(self.prompts.align_start(language)),
                [list(text.tokens) if n in mine else [] for n, text in enumerate(texts)],
                frames,
            )
            for number in mine:
                words[number] = make_words(
                    texts[number].tokens,
                    found[number].alignments,
                    found[number].text_token_probs,
                    self._tokenizers[language],
                )
        return [replace(text, words=words.get(number, ())) for number, text in enumerate(texts)]

    def _probe(self) -> None:
        """CTranslate2 loads CUDA's libraries at the first use only."""
        frames = min(BUCKETS)
        try:
            self.decode([Task(np.zeros(0, np.int16), frames, self.languages[:1], (), 1)])
        except RuntimeError as error:
            raise DeviceError(
                f"CUDA is there but CTranslate2 cannot use it ({error}): it needs CUDA 12's cuBLAS; "
                "or choose the device `cpu`"
            ) from error


def _languages(tokenizer: Any) -> tuple[str, ...]:
    return tuple(
        language
        for language in LANGUAGES
        if tokenizer.token_to_id(language_token(language)) is not None
    )


def _likeliest(allowed: Sequence[str], found: Mapping[str, float]) -> tuple[str, float]:
    chances = {language: found.get(language_token(language), 0.0) for language in allowed}
    best = max(chances, key=chances.__getitem__)
    total = sum(chances.values())
    return best, chances[best] / total if total > 0 else 1 / len(chances)


def _mean(total: float, tokens: int) -> float:
    """CTranslate2 divides by the tokens without the end token: nothing by nothing for an empty text."""
    return 0.0 if math.isnan(total) else total / max(tokens, 1)

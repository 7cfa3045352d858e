"""Prompts: what was said, by whom, and how it sounded, as the tokens of a CSM.

A segment is `<|begin_of_text|>[speaker]text<|end_of_text|>`, then its audio, a token a frame, and
`<|audio_eos|>`, as in transformers' CsmProcessor. A segment without audio is to be spoken next.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from csm_engine.csm.config import CsmConfig

BEGIN, END = "<|begin_of_text|>", "<|end_of_text|>"
AUDIO, AUDIO_EOS = "<|AUDIO|>", "<|audio_eos|>"


class PromptError(ValueError):
    """No prompt can be made of this folder's tokenizer, or of this segment."""


@dataclass(frozen=True, slots=True)
class Segment:
    """`frames` are codes [frames, codebooks] int64; None where the audio is to be generated."""

    speaker: int
    text: str
    frames: Tensor | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """Tokens [T] int64, and codes [A, codebooks] int64 of the audio tokens among them in order.

    `<|audio_eos|>` counts as an audio token: its frame is all `codebook_eos_token_id`.
    """

    ids: Tensor
    codes: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def __add__(self, other: "Prompt") -> "Prompt":
        ids, codes = (self.ids, other.ids), (self.codes, other.codes)
        return Prompt(torch.cat(ids), torch.cat(codes))


class Prompter:
    """Makes prompts with a model's own tokenizer."""

    def __init__(self, config: CsmConfig, tokenizer: Tokenizer) -> None:
        """Raises PromptError when the tokenizer is another model's."""
        for token, id in (
            (BEGIN, config.bos_token_id),
            (AUDIO, config.audio_token_id),
            (AUDIO_EOS, config.audio_eos_token_id),
        ):
            if (found := tokenizer.token_to_id(token)) != id:
                raise PromptError(
                    f"the tokenizer has {token} at {found}, config.json at {id}:"
                    " take both files from one model"
                )
        end = tokenizer.token_to_id(END)
        if end is None:
            raise PromptError(f"the tokenizer has no {END}: take the model's own tokenizer.json")
        self._end: int = end
        if (size := tokenizer.get_vocab_size()) > config.text_vocab_size:
            raise PromptError(
                f"the tokenizer has {size} tokens, the model {config.text_vocab_size}:"
                " take both files from one model"
            )
        # What callers or language models write must not become a control token.
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self._config = config

    @classmethod
    def of_folder(cls, config: CsmConfig, folder: Path) -> "Prompter":
        """Raises PromptError for a folder without a usable tokenizer.json."""
        path = folder / "tokenizer.json"
        if not path.is_file():
            raise PromptError(f"{folder} has no tokenizer.json: fetch it with the model")
        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:  # noqa: BLE001 -- tokenizers raises nothing narrower
            raise PromptError(f"{path} cannot be read ({error}): fetch it again") from None
        return cls(config, tokenizer)

    def prompt(self, segments: Iterable[Segment]) -> Prompt:
        """Segments in order. Raises PromptError for one that cannot be said."""
        prompt = Prompt(self._ids([]), self._no_frames())
        for segment in segments:
            prompt = prompt + self.text(segment.speaker, segment.text)
            if segment.frames is not None:
                prompt = prompt + self.audio(segment.frames)
        return prompt

    def text(self, speaker: int, text: str) -> Prompt:
        """A segment up to where its audio begins."""
        if speaker < 0:
            raise PromptError(f"speaker {speaker} is negative: speakers are 0, 1, …")
        if not text.strip():
            raise PromptError("a segment without words cannot be spoken")
        # One string: a token may span the bracket and the first word.
        words = self._tokenizer.encode(f"[{speaker}]{text}", add_special_tokens=False).ids
        return Prompt(self._ids([self._config.bos_token_id, *words, self._end]), self._no_frames())

    def audio(self, frames: Tensor) -> Prompt:
        """The audio of a segment, [frames, codebooks], and its end."""
        config = self._config
        if frames.ndim != 2 or frames.shape[1] != config.num_codebooks:  # noqa: PLR2004
            shape = tuple(frames.shape)
            raise PromptError(f"frames of shape {shape}, not (any, {config.num_codebooks})")
        if (
            frames.numel()
            and not 0 <= int(frames.min()) <= int(frames.max()) < config.codebook_size
        ):
            raise PromptError(f"frames have codes outside 0…{config.codebook_size - 1}")
        end = frames.new_full((1, config.num_codebooks), config.codebook_eos_token_id)
        ids = [config.audio_token_id] * len(frames) + [config.audio_eos_token_id]
        return Prompt(self._ids(ids), torch.cat((frames, end)).long().cpu())

    def _ids(self, ids: list[int]) -> Tensor:
        return torch.tensor(ids, dtype=torch.long)

    def _no_frames(self) -> Tensor:
        return torch.empty(0, self._config.num_codebooks, dtype=torch.long)

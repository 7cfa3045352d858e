"""All sentences that are being spoken: their slots, pages and codec, a frame a step for each.

No threads and no clock here. All methods belong to the thread that owns the device.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from csm_engine.clip import VoiceError
from csm_engine.csm import paged_kv
from csm_engine.csm.frame_step import FrameStep, Slots
from csm_engine.csm.mimi.pcm import to_int16
from csm_engine.csm.model import Csm
from csm_engine.csm.page_pool import OutOfPagesError
from csm_engine.csm.paged_kv import PagedKV
from csm_engine.csm.prompt import PromptError, Segment
from csm_engine.csm.sampler import Sampling
from csm_engine.endings.ending import Ending, Guards, Verdict
from csm_engine.endings.level import Pcm
from csm_engine.endings.tail import faded, tail
from csm_engine.engine.codec import Codec
from csm_engine.engine.line import Line, Made
from csm_engine.model import SpeakError
from csm_engine.protocol import FRAME_SECONDS
from csm_engine.text import expected_seconds, frame_cap
from csm_engine.voices import Voice

SPEAKER = 0
"""Of the voice's own segments."""


@dataclass(frozen=True, slots=True)
class _Prefix:
    """A voice's prompt, read once."""

    sequence: paged_kv.Sequence
    codec_slot: int


@dataclass(eq=False, slots=True)
class Row:
    """A sentence in its slot. `prompt` tokens are in its sequence before the first frame."""

    slot: int
    sequence: paged_kv.Sequence
    prompt: int
    last: Tensor
    seed: int
    ending: Ending
    codec_voice: int


class Batch:
    """Reads the voices' prompts when it is made: raises VoiceError for one that cannot be read."""

    def __init__(
        self,
        model: Csm,
        kv: PagedKV,
        codec: Codec,
        voices: Mapping[str, Voice],
        *,
        slots: int,
        sampling: Sampling,
        guards: Guards | None = None,
    ) -> None:
        self._model = model
        self._kv = kv
        self._codec = codec
        self._sampling = sampling
        self._guards = guards or Guards()
        self._slots = Slots(model, kv, slots)
        self._free = list(range(slots - 1, -1, -1))
        self._steps = {rows: FrameStep(model, self._slots, rows) for rows in _buckets(slots)}
        self._prefixes = {name: self._read(voice) for name, voice in voices.items()}

    @property
    def free_pages(self) -> int:
        return self._kv.pool.free

    @property
    def free_slots(self) -> int:
        return len(self._free)

    def begin(self, line: Line) -> Row:
        """Read a line's prompt. Raises SpeakError, retryable when there is no room, and then
        holds nothing."""
        if not self._free:
            raise SpeakError("as many sentences as may be are being spoken", retryable=True)
        prefix = self._prefixes[line.voice]
        sequence = self._kv.fork(prefix.sequence)
        try:
            last = self._prefill(sequence, line.text)
            row = self._row(line, sequence, last, prefix)
            self._restart(row)
        except OutOfPagesError as error:
            self._kv.free(sequence)
            raise SpeakError(f"the engine has no room left: {error}", retryable=True) from error
        except (PromptError, ValueError) as error:
            self._kv.free(sequence)
            raise SpeakError(f"this cannot be spoken: {error}", retryable=False) from error
        except BaseException:
            self._kv.free(sequence)
            raise
        self._free.pop()
        return row

    def end(self, row: Row) -> None:
        """Free what it holds, at any time, once."""
        self._slots.release(row.slot)
        self._kv.free(row.sequence)
        self._free.append(row.slot)

    def step(self, rows: Sequence[Row]) -> list[Made | SpeakError]:
        """A frame of each, none twice; those that are over or failed are still to be ended."""
        outcomes: dict[int, Made | SpeakError] = {}
        ready = [row for row in rows if self._advance(row, outcomes)]
        if ready:
            self._speak(ready, outcomes)
        return [outcomes[row.slot] for row in rows]

    def _advance(self, row: Row, outcomes: dict[int, Made | SpeakError]) -> bool:
        try:
            self._slots.advance(row.slot, row.sequence)
        except OutOfPagesError as error:
            message = f"the engine has no room left: {error}"
            outcomes[row.slot] = SpeakError(message, retryable=True)
            return False
        return True

    def _speak(self, rows: Sequence[Row], outcomes: dict[int, Made | SpeakError]) -> None:
        step = self._steps[min(size for size in self._steps if size >= len(rows))]
        step.choose([row.slot for row in rows])
        step.run()
        frames = step.result[: len(rows), :-1].long()
        sounding: list[int] = []
        for index, (row, codes) in enumerate(zip(rows, frames.tolist(), strict=True)):
            match row.ending.codes(codes):
                case Verdict.SEND:
                    sounding.append(index)
                case Verdict.RESEED:
                    self._restart(row)
                    outcomes[row.slot] = Made()
                case _:
                    outcomes[row.slot] = self._over(row)
        if not sounding:
            return
        speaking = [rows[index] for index in sounding]
        sounds = self._codec.decode(frames[sounding], [row.slot for row in speaking])
        for row, pcm in zip(speaking, sounds, strict=True):
            outcomes[row.slot] = self._heard(row, pcm)

    def _heard(self, row: Row, pcm: Pcm) -> Made:
        match row.ending.sound(pcm):
            case Verdict.SEND:
                return Made(_s16le(pcm))
            case Verdict.SKIP:
                return Made()
            case Verdict.END_AFTER:
                return Made(_s16le(faded(pcm, self._codec.rate)), row.ending.reason)
            case _:
                return Made(reason=row.ending.reason)

    def _over(self, row: Row) -> Made | SpeakError:
        """The end's own frame is no sound, but the last phoneme may still ring (csm.md §5)."""
        if row.ending.reason == "empty":
            return SpeakError("the model ended before it made a sound", retryable=True)
        if row.ending.reason != "stop":
            return Made(reason=row.ending.reason)
        return Made(_s16le(tail(self._codec.flush(row.slot), self._codec.rate)), "stop")

    def _read(self, voice: Voice) -> _Prefix:
        sequence = paged_kv.Sequence()
        try:
            prompt = self._model.prompter.prompt([Segment(SPEAKER, voice.transcript, voice.codes)])
            self._model.backbone.prefill(self._kv, sequence, self._model.backbone.embed(prompt))
        except (OutOfPagesError, ValueError) as error:
            raise VoiceError(f"voice {voice.name!r}: {error}") from error
        return _Prefix(sequence, self._codec.add_voice(voice.codes))

    def _prefill(self, sequence: paged_kv.Sequence, text: str) -> Tensor:
        """All but the last token, whose embedding is returned: the first frame's step reads it."""
        embedded = self._model.backbone.embed(self._model.prompter.text(SPEAKER, text))
        self._model.backbone.prefill(self._kv, sequence, embedded[:-1])
        return embedded[-1]

    def _row(self, line: Line, sequence: paged_kv.Sequence, last: Tensor, prefix: _Prefix) -> Row:
        expected = max(1, round(expected_seconds(line.text) / FRAME_SECONDS))
        most = min(frame_cap(line.text, FRAME_SECONDS), self._kv.max_length - sequence.length)
        return Row(
            slot=self._free[-1],
            sequence=sequence,
            prompt=sequence.length,
            last=last,
            seed=line.seed,
            ending=Ending(expected, most, self._guards),
            codec_voice=prefix.codec_slot,
        )

    def _restart(self, row: Row) -> None:
        """From the prompt, with a seed that was not tried."""
        self._kv.truncate(row.sequence, row.prompt)
        sampling = self._sampling
        chosen = Sampling(
            sampling.temperature, sampling.top_k, row.seed % 2**63, self._guards.min_frames
        )
        row.seed += 1
        self._slots.admit(row.slot, row.sequence, row.last, chosen)
        self._codec.begin(row.slot, row.codec_voice)


def _buckets(rows: int) -> list[int]:
    """Powers of two, and the whole."""
    return sorted({min(1 << bit, rows) for bit in range(rows.bit_length() + 1)})


def _s16le(pcm: Pcm) -> bytes:
    samples: bytes = to_int16(torch.from_numpy(pcm)).numpy().astype("<i2").tobytes()
    return samples

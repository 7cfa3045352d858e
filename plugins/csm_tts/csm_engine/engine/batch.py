"""All sentences that are being spoken: their slots, pages and codec, a frame a step for each.

No threads and no clock here. All methods belong to the thread that owns the device.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import torch

from csm_engine.context.context import Context
from csm_engine.csm.frame_step import FrameStep, Slots
from csm_engine.csm.model import Csm
from csm_engine.csm.page_pool import OutOfPagesError
from csm_engine.csm.paged_kv import PagedKV
from csm_engine.csm.prompt import PromptError
from csm_engine.endings.ending import Ending, Guards
from csm_engine.engine.codec import Codec, CodecStep
from csm_engine.engine.contexts import Contexts
from csm_engine.engine.device import Device, Host, Run
from csm_engine.engine.flight import Flight, Row
from csm_engine.engine.judge import judge
from csm_engine.engine.line import Line, Made
from csm_engine.model import SpeakError
from csm_engine.protocol import FRAME_SECONDS
from csm_engine.text import expected_seconds, frame_cap
from csm_engine.voices import Voice

RUN_AHEAD = 2
"""Frames that may be asked for beyond a sentence's last, which nobody knows before it is back."""


@dataclass(frozen=True, slots=True)
class _Step:
    """For so many rows: a frame of codes each, then their sound."""

    frames: FrameStep
    make: Run
    codec: CodecStep
    sound: Run


class Batch:
    """Reads the voices' prompts when it is made: raises VoiceError for one that cannot be read."""

    def __init__(
        self,
        model: Csm,
        kv: PagedKV,
        codec: Codec,
        voices: Iterable[Voice],
        *,
        slots: int,
        guards: Guards | None = None,
        device: Device | None = None,
    ) -> None:
        self._model = model
        self._kv = kv
        self._codec = codec
        self._guards = guards or Guards()
        self._device = device or Host()
        self._slots = Slots(model, kv, slots)
        self._free = list(range(slots - 1, -1, -1))
        self.contexts = Contexts(model, kv, codec)
        for voice in voices:
            self.contexts.add_voice(voice)
        # The largest first: the graphs of the smaller ones then fit into its memory.
        self._steps = {rows: self._step(rows) for rows in reversed(buckets(slots))}

    @property
    def buckets(self) -> list[int]:
        return sorted(self._steps)

    @property
    def free_pages(self) -> int:
        return self._kv.pool.free

    @property
    def pages_of_one(self) -> int:
        """What a conversation needs for a sentence."""
        return self.contexts.pages_of_one

    @property
    def free_slots(self) -> int:
        return len(self._free)

    def check(self) -> None:
        """Raises what the device has to say, when it can do nothing any more."""
        torch.zeros(1, device=self._model.device).item()

    def begin(self, context: Context, voice: str, line: Line) -> Row:
        """Take a slot for a line; `prefill` its tokens before it steps.

        Raises SpeakError, retryable when there is no room, and then holds nothing.
        """
        if not self._free:
            raise SpeakError("as many sentences as may be are being spoken", retryable=True)
        if not self.contexts.is_idle(context):
            raise SpeakError("this conversation speaks one sentence at a time", retryable=False)
        try:
            prompt = context.ask(line.utterance, line.text)
        except (PromptError, ValueError) as error:
            raise SpeakError(f"this cannot be spoken: {error}", retryable=False) from error
        start = context.sequence.length + len(prompt) - 1
        try:
            tokens = self._model.backbone.embed(prompt)
        except Exception:
            context.done(self._codes([]), 0, complete=False)
            raise
        self.contexts.take(context)
        return Row(
            slot=self._free.pop(),
            voice=self.contexts.codec_slot(voice),
            context=context,
            sampling=replace(line.sampling, min_frames=self._guards.min_frames),
            tokens=tokens,
            start=start,
            ending=self._ending(line.text, start),
        )

    def prefill(self, row: Row, start: int, tokens: int) -> None:
        """Some of its tokens but the last, in order. Raises SpeakError when there is no room."""
        try:
            self.contexts.prefill(row.context, row.tokens[start : start + tokens])
        except OutOfPagesError as error:
            raise _no_room(error) from error
        row.context.read(tokens)
        if start + tokens == len(row.tokens) - 1:
            self._slots.admit(row.slot, row.context.sequence, row.tokens[-1], row.sampling)
            # What the codec makes of the slot's last sentence must not come after this.
            self._device.join()
            self._codec.begin(row.slot, row.voice)

    def end(self, row: Row, *, broken: bool = False) -> None:
        """Free what it holds, at any time, once. What was said stays in its context; after a
        `broken` step its pages do not, for nobody knows what was written to them."""
        row.over = True
        self._slots.release(row.slot)
        self._free.append(row.slot)
        complete = row.ending.reason is not None
        row.context.done(self._codes(row.frames), row.lead, complete=complete)
        if broken:
            row.context.evict()
        self.contexts.give_back(row.context)

    def launch(self, rows: Sequence[Row]) -> Flight:
        """Ask for a frame of each, none twice, all prefilled."""
        failed = [(row, error) for row in rows if (error := self._advance(row))]
        lost = {row for row, _ in failed}
        ready = [row for row in rows if row not in lost]
        if not ready:
            return Flight(ready, failed)
        step = self._steps[min(size for size in self._steps if size >= len(ready))]
        slots = [row.slot for row in ready]
        step.frames.choose(slots)
        step.make()
        codes = self._device.fetch(step.frames.result)
        self._device.join()
        step.codec.take(step.frames.result, slots)
        with self._device.beside():
            step.sound()
            sound = self._device.fetch(step.codec.sound)
            power = self._device.fetch(step.codec.power)
        return Flight(ready, failed, codes, sound, power)

    def collect(self, flight: Flight) -> list[tuple[Row, Made | SpeakError]]:
        """What came of it, by row; rows that are over have nothing."""
        outcomes: list[tuple[Row, Made | SpeakError]] = list(flight.failed)
        if flight.codes is None or flight.sound is None or flight.power is None:
            return outcomes
        frames = flight.codes()[:, :-1].tolist()
        sound, power = flight.sound().numpy(), flight.power().tolist()
        for index, row in enumerate(flight.rows):
            if not row.over:
                made = judge(row, frames[index], sound[index], power[index], self._codec.rate)
                outcomes.append((row, made))
        return outcomes

    def _codes(self, frames: Sequence[Sequence[int]]) -> torch.Tensor:
        codebooks = self._model.config.num_codebooks
        return torch.tensor(frames, dtype=torch.long).reshape(-1, codebooks)

    def _step(self, rows: int) -> _Step:
        frames = FrameStep(self._model, self._slots, rows)
        codec = CodecStep(self._codec, rows)
        make = self._device.captured(frames.run)
        with self._device.beside():
            sound = self._device.captured(codec.run)
        return _Step(frames, make, codec, sound)

    def _advance(self, row: Row) -> SpeakError | None:
        while True:
            try:
                self._slots.advance(row.slot, row.context.sequence)
            except OutOfPagesError as error:
                if not self.contexts.spare(row.context):
                    return _no_room(error)
            else:
                return None

    def _ending(self, text: str, start: int) -> Ending:
        expected = max(1, round(expected_seconds(text) / FRAME_SECONDS))
        room = self._kv.max_length - start - RUN_AHEAD
        return Ending(expected, max(1, min(frame_cap(text, FRAME_SECONDS), room)), self._guards)


def buckets(rows: int) -> list[int]:
    """Powers of two up to 16, then also what lies halfway, and the whole."""
    sizes = [1 << bit for bit in range(rows.bit_length())]
    halfway = [size + size // 2 for size in sizes if size >= 16]  # noqa: PLR2004
    return sorted({size for size in sizes + halfway if size < rows} | {rows})


def _no_room(error: OutOfPagesError) -> SpeakError:
    return SpeakError(f"the engine has no room left: {error}", retryable=True)

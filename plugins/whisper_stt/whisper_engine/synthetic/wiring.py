"""The weights of a scripted model's decoder, set by hand.

The decoder's first layer finds `<|startoftranscript|>` (so that
any prompt may lead), the language token, how much sound there is and where it begins; its feed-forward
part then picks the token of this step. The second layer attends to where that token is said, for
`align()`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from ctranslate2.specs import whisper_spec
from tokenizers import Tokenizer

from whisper_engine.synthetic.files import zeros
from whisper_engine.synthetic.listening import (
    FIRST,
    FRAME,
    FRAME_SQUARED,
    FRAME_UNIT,
    FRAMES,
    SOUND,
    write_encoder,
)
from whisper_engine.synthetic.sparse import HEADS, STEEP, Sparse, balance
from whisper_engine.synthetic.vocabulary import token_list
from whisper_engine.whisper.tokens import END, NO_SPEECH, START, language_token

POSITIONS = 448
# Places in the residual stream, after those of `sparse`.
STEP, IS_START, IS_LANGUAGE, HEARD, ONSET, AT_START, AT_END = range(3, 10)
FREE = 10

STEP_UNIT = 64.0
"""Steps are kept small beside the constant pair, as frames are."""

SHUT = 8192.0
"""More than `STEEP * POSITIONS`: closes a unit at any step."""

ATTEND = 60.0
REFERENCE = 2e5
"""The weight of the encoder's first frame beside 1 of each other: what is attended of n frames of
sound is then n / REFERENCE, whatever the length of the input."""

MASS = 20.0
"""Logits that far above zero leave nothing to the rest of the vocabulary."""


@dataclass(frozen=True)
class Script:
    """`texts` holds token ids, by language; the first is said in any other language too."""

    texts: Mapping[str, list[int]]
    prefix: int
    listens: bool
    ends: bool
    token_frames: float
    confidence: float
    no_speech: float
    detects: Mapping[str, float]

    @property
    def others(self) -> list[str]:
        return list(self.texts)[1:]

    @property
    def slots(self) -> dict[int, int]:
        """Where in the stream each token is kept that is ever said."""
        said = dict.fromkeys(chain.from_iterable(self.texts.values()))
        return {token: FREE + 2 * len(self.others) + n for n, token in enumerate(said)}


class Writer:
    def __init__(self, script: Script, tokenizer: Tokenizer, mels: int) -> None:
        self._script = script
        self._ids = {token: number for number, token in enumerate(token_list(tokenizer))}
        self._mels = mels
        places = FREE + 2 * len(script.others) + len(script.slots)
        self._sparse = Sparse(-(-places // 32) * 32)
        self._width = self._sparse.width

    def write(self) -> whisper_spec.WhisperSpec:
        spec = whisper_spec.WhisperSpec(1, HEADS, 2, HEADS)
        write_encoder(spec.encoder, self._sparse, self._mels)
        decoder, sparse = spec.decoder, self._sparse
        first, second = decoder.layer
        for layer in decoder.layer:
            sparse.attention(layer.self_attention, memory=False)
            sparse.attention(layer.attention, memory=True)
        sparse.feed_forward(second.ffn, 32)
        self._find_prompt(*first.self_attention.linear)
        self._find_sound(*first.attention.linear)
        self._choose(first.ffn)
        self._point(*second.attention.linear)
        sparse.norm(decoder.layer_norm)
        self._embed(decoder)
        self._project(decoder.projection)
        return spec

    def _find_prompt(self, into: Any, out: Any) -> None:
        """`STEP` becomes the distance from `<|startoftranscript|>`, whatever stands before it."""
        sparse, width = self._sparse, self._width
        for head, token in ((0, IS_START), (sparse.head, IS_LANGUAGE)):
            into.bias[head] = sparse.query_scale * ATTEND
            into.weight[width + head, token] = 1
        into.weight[2 * width, STEP] = 1
        sparse.write(out, 0, {STEP: -1})
        for number in range(len(self._script.others)):
            into.weight[2 * width + sparse.head + number, FREE + 2 * number] = 1
            sparse.write(out, sparse.head + number, {FREE + 2 * number + 1: 1})

    def _find_sound(
        self,
        query: Any,
        memory: Any,
        out: Any,
    ) -> None:
        """`HEARD`: frames of sound. `ONSET`: the first of them."""
        sparse, width = self._sparse, self._width
        count, onset = 0, sparse.head
        query.bias[[count, onset]] = sparse.query_scale
        memory.weight[count, FIRST] = math.log(REFERENCE)
        memory.weight[width + count, SOUND] = 1
        sparse.write(out, count, {HEARD: REFERENCE / FRAME_UNIT})
        memory.weight[onset, SOUND] = 4 * FRAMES
        memory.weight[onset, FRAME] = -2 * FRAME_UNIT
        memory.weight[width + onset, FRAME] = 1
        sparse.write(out, onset, {ONSET: 1})

    def _choose(self, ffn: Any) -> None:
        """The token of this step: a second difference of relus is 1 at one step, 0 at all others."""
        script, sparse = self._script, self._sparse
        lengths = [len(text) for text in script.texts.values()]
        sparse.feed_forward(ffn, sum(lengths) + 3 * len(lengths) + 5)
        unit = 0
        heard = [FREE + 2 * number + 1 for number in range(len(script.others))]
        for number, text in enumerate(script.texts.values()):
            shut = dict.fromkeys(heard, -SHUT) if number == 0 else {heard[number - 1]: SHUT}
            self._ramps(ffn.linear_0, unit, len(text) + 2, script.prefix - 2, shut)
            ffn.linear_0.bias[unit : unit + len(text) + 2] -= 0 if number == 0 else SHUT
            for place, token in enumerate(text):
                self._bump(ffn.linear_1, unit + place, script.slots[token])
            if script.ends:
                sparse.write(ffn.linear_1, unit + len(text), {AT_END: 1 / STEEP})
                sparse.write(ffn.linear_1, unit + len(text) + 1, {AT_END: -1 / STEEP})
            unit += len(text) + 2
        self._ramps(ffn.linear_0, unit, 3, -1, {})
        self._bump(ffn.linear_1, unit, AT_START)
        if script.listens:
            self._wait(ffn, unit + 3)

    def _ramps(
        self,
        linear: Any,
        unit: int,
        number: int,
        first: int,
        shut: Mapping[int, float],
    ) -> None:
        """relu(step - first), relu(step - first - 1), … from `unit` on."""
        units = slice(unit, unit + number)
        linear.weight[units, STEP] = STEEP * STEP_UNIT
        linear.bias[units] = -STEEP * (first + np.arange(number))
        for place, weight in shut.items():
            linear.weight[units, place] = weight

    def _bump(self, linear: Any, unit: int, to: int) -> None:
        for offset, weight in enumerate((1, -2, 1)):
            self._sparse.write(linear, unit + offset, {to: weight / STEEP})

    def _wait(self, ffn: Any, unit: int) -> None:
        """End, for now, where the next token's sound has not been heard by half."""
        script = self._script
        into, sharp = ffn.linear_0, 4 * STEEP
        into.weight[unit : unit + 2, STEP] = sharp * STEP_UNIT
        into.weight[unit : unit + 2, HEARD] = -sharp * FRAME_UNIT / script.token_frames
        late = sharp * (1.5 - script.prefix)
        into.bias[unit : unit + 2] = late, late - STEEP
        for offset, weight in enumerate((3, -3)):
            self._sparse.write(ffn.linear_1, unit + offset, {AT_END: weight / STEEP})

    def _point(
        self,
        query: Any,
        memory: Any,
        _: Any,
    ) -> None:
        """A bell of 4 frames around where this step's token is said: -(frame - middle)² / 32."""
        script, sparse = self._script, self._sparse
        sharp = sparse.query_scale * FRAME_UNIT**2 / 32
        per_step = script.token_frames / FRAME_UNIT
        query.weight[0, STEP] = 2 * sharp * per_step * STEP_UNIT
        query.weight[0, ONSET] = 2 * sharp
        query.bias[:2] = 2 * sharp * per_step * (1.5 - script.prefix), -sharp
        memory.weight[0, FRAME] = memory.weight[1, FRAME_SQUARED] = 1

    def _embed(self, decoder: Any) -> None:
        rows = zeros(len(self._ids), self._width)
        rows[self._ids[START], IS_START] = 1
        for language in self._script.texts:
            rows[self._ids[language_token(language)], IS_LANGUAGE] = 1
        for number, language in enumerate(self._script.others):
            rows[self._ids[language_token(language)], FREE + 2 * number] = 1
        decoder.embeddings.weight = balance(rows)
        decoder.scale_embeddings = False
        positions = self._sparse.rows(POSITIONS)
        positions[:, STEP] = np.arange(POSITIONS) / STEP_UNIT
        decoder.position_encodings.encodings = balance(positions)

    def _project(self, projection: Any) -> None:
        script, ids = self._script, self._ids
        rows = zeros(len(ids), self._width)
        odds = script.confidence / (1 - script.confidence)
        sure = math.log(odds * (len(ids) - 1))
        for token, slot in script.slots.items():
            rows[token, slot] = sure
        rows[ids[END], AT_END] = sure
        for language, probability in script.detects.items():
            rows[ids[language_token(language)], AT_START] = MASS + math.log(probability)
        rows[ids[NO_SPEECH], AT_START] = MASS + math.log(script.no_speech / (1 - script.no_speech))
        projection.weight = rows

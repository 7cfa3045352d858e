"""PocketSphinx by itself: a listener for words and one for sounds, whose scores say what to trust."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pocketsphinx

from whisper_engine.model import Heard, HeardWord
from whisper_engine.protocol import SAMPLE_RATE
from whisper_engine.rehearsal.grammar import Grammar, make_grammar

PIECE_BYTES = 2 * SAMPLE_RATE // 25
"""40 ms of sound. The library keeps Python's lock while it decodes (2 to 4 ms a piece)."""

TRUSTED = 0.15
"""Least confidence of a text. bench/hearing.py shows where right and wrong ones lie."""

UNJUDGED = 0.5
"""Confidence of the general model's words: its language model's scores cannot be compared."""

CEPSTRAL_MEAN = "40,17.8,-26,38,-18.4,0.7,13.1,-23.9,16,-9.8,1.3,12.5,-11"
"""What a telephone line's speech has on average. The library's own guess costs half of all first
sentences, and learning from each sentence would make a text depend on those before it."""

NARROW = {"beam": 1e-30, "wbeam": 1e-20, "pbeam": 1e-30}
"""The sounds' search: a fifth cheaper than the library's own width, and no worse a judge."""

_FRAMES_PER_SECOND = 100
_LOST_FRAMES = 20
_MARGIN_SCALE = 1_000
_PHONES = [
    "AA",
    "AE",
    "AH",
    "AO",
    "AW",
    "AY",
    "B",
    "CH",
    "D",
    "DH",
    "EH",
    "ER",
    "EY",
    "F",
    "G",
    "HH",
    "IH",
    "IY",
    "JH",
    "K",
    "L",
    "M",
    "N",
    "NG",
    "OW",
    "OY",
    "P",
    "R",
    "S",
    "SH",
    "T",
    "TH",
    "UH",
    "UW",
    "V",
    "W",
    "Y",
    "Z",
    "ZH",
]
_VARIANT = re.compile(r"\(\d+\)$")


@dataclass(frozen=True)
class Vocabulary:
    """`grammar` None: the library's general English model. The paths are dictionaries."""

    words: Path
    sounds: Path
    grammar: Grammar | None


def model_folder() -> Path:
    return Path(pocketsphinx.get_model_path()) / "en-us"


def read_dictionary() -> dict[str, list[str]]:
    """Lines of the library's dictionary by word; a word may have several pronunciations."""
    entries: dict[str, list[str]] = {}
    with (model_folder() / "cmudict-en-us.dict").open(encoding="utf-8") as lines:
        for line in lines:
            word, _, _ = line.partition(" ")
            entries.setdefault(_VARIANT.sub("", word), []).append(line)
    return entries


def make_vocabulary(phrases: Sequence[str] | None, folder: Path) -> Vocabulary:
    """Writes small dictionaries into `folder`: with the library's own a decoder takes 25 MB and 0.1 s."""
    sounds = folder / "sounds.dict"
    sounds.write_text("".join(f"_{phone.lower()} {phone}\n" for phone in _PHONES))
    if phrases is None:
        return Vocabulary(model_folder() / "cmudict-en-us.dict", sounds, None)
    entries = read_dictionary()
    grammar = make_grammar(phrases, frozenset(entries))
    words = folder / "words.dict"
    words.write_text("".join(line for word in sorted(grammar.words) for line in entries[word]))
    return Vocabulary(words, sounds, grammar)


class Listener:
    """Two decoders in step, on one utterance at a time. Blocking; one thread at a time.

    The second hears nothing but single sounds in any order. Words that explain an utterance hardly
    better than that are a guess: the grammar would hear one of its phrases in anything.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._grammar = vocabulary.grammar
        self._words = _decoder(vocabulary.words, general=vocabulary.grammar is None)
        self._sounds = _decoder(vocabulary.sounds, general=False, **NARROW)
        if vocabulary.grammar is not None:
            _use(self._words, vocabulary.grammar.jsgf)
        _use(self._sounds, _sounds_grammar())
        self._open = False
        self._samples = 0

    def feed(self, pcm: bytes) -> None:
        """In pieces, between which other threads may run."""
        if not self._open:
            for decoder in (self._words, self._sounds):
                decoder.set_cmn(CEPSTRAL_MEAN)
                decoder.start_utt()
            self._open = True
            self._samples = 0
        for at in range(0, len(pcm), PIECE_BYTES):
            piece = pcm[at : at + PIECE_BYTES]
            self._words.process_raw(piece)
            self._sounds.process_raw(piece)
        self._samples += len(pcm) // 2

    def interim(self) -> Heard:
        """May end inside a phrase."""
        return _trusted(self._heard(whole=False)) if self._open else Heard()

    def finish(self) -> Heard:
        if not self._open:
            return Heard()
        before = self._heard(whole=True)
        self._close()
        # With a grammar the library drops an utterance that ends inside a phrase, so look before too.
        after = self._heard(whole=True)
        return _trusted(after if after.text else before)

    def reset(self) -> None:
        if self._open:
            self._close()

    def _close(self) -> None:
        self._words.end_utt()
        self._sounds.end_utt()
        self._open = False

    def _heard(self, *, whole: bool) -> Heard:
        words, sounds = self._words.hyp(), self._sounds.hyp()
        if words is None or sounds is None:
            return Heard()
        segments = [_Segment(s.word, s.start_frame, s.end_frame) for s in self._words.seg()]
        spoken = [segment for segment in segments if segment.word[0] not in "<[("]
        if whole and self._grammar is not None:
            plain = [_VARIANT.sub("", segment.word) for segment in spoken]
            spoken = spoken[: len(self._grammar.whole(plain))]
        if not spoken:
            return Heard()
        frames = self._samples * _FRAMES_PER_SECOND // SAMPLE_RATE
        if segments[-1].last < frames - _LOST_FRAMES:
            return Heard()  # the search found no way on: its score is of the beginning alone
        if self._grammar is None:
            return _to_heard(spoken, UNJUDGED)
        margin = (math.log(words.score) - math.log(sounds.score)) * _MARGIN_SCALE / frames
        return _to_heard(spoken, max(0.0, min(1.0, (margin + 0.8) / 2)))


@dataclass(frozen=True)
class _Segment:
    """A word and its frames, both inclusive."""

    word: str
    first: int
    last: int


def _trusted(heard: Heard) -> Heard:
    return heard if heard.confidence >= TRUSTED else Heard()


def _to_heard(spoken: Sequence[_Segment], confidence: float) -> Heard:
    words = tuple(
        HeardWord(
            _VARIANT.sub("", segment.word),
            segment.first / _FRAMES_PER_SECOND,
            (segment.last + 1) / _FRAMES_PER_SECOND,
            confidence,
        )
        for segment in spoken
    )
    return Heard(" ".join(word.text for word in words), words, confidence)


def _decoder(dictionary: Path, *, general: bool, **width: float) -> pocketsphinx.Decoder:
    # `bestpath` off: its lattice has been seen to loop for ever on grammars that repeat.
    # `silprob`: telephone noise around speech is silence first, and only then a word.
    language = {} if general else {"lm": None}
    return pocketsphinx.Decoder(
        dict=str(dictionary),
        loglevel="FATAL",
        bestpath=False,
        fwdflat=False,
        silprob=0.5,
        **language,
        **width,
    )


def _use(decoder: pocketsphinx.Decoder, jsgf: str) -> None:
    decoder.add_jsgf_string("heard", jsgf)
    decoder.activate_search("heard")


def _sounds_grammar() -> str:
    sounds = " | ".join(f"_{phone.lower()}" for phone in _PHONES)
    return f"#JSGF V1.0; grammar heard; public <utterance> = ( {sounds} )+;"

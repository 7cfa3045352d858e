"""What callers say on the telephone, up to where they fall silent: for good, or for a moment.

Recordings are cut by nobody: their own pauses are told from their ends by the voice detector
(bench/turns_score.py). Scripts are spoken by flite, whose commas make its pauses.
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from bench.record import ROOT
from bench.telephone import LINE_RATE, RATE, Samples, flite, over_g711, resample, silence
from whisper_engine.cli.sounds import load

VOICES = ("slt", "rms", "awb", "kal16")
RECORDINGS = ROOT / "tests" / "data" / "audio"

LEAD, TAIL = 0.3, 0.8
"""Seconds of line before and after speech."""

BREATH = 0.03
"""Seconds after a phrase that are still its sound."""

NOMINAL = -26.0
"""dB under full scale, of speech: what ITU-T P.800 and G.191 test lines with."""

Law = Literal["wide band", "mu-law", "A-law"]


@dataclass(frozen=True)
class Line:
    law: Law
    level: float = NOMINAL
    """Of the speech, in dB under full scale."""


MU_LAW = Line("mu-law")
LINES = (
    Line("wide band"),
    MU_LAW,
    Line("A-law"),
    Line("mu-law", NOMINAL + 10),
    Line("mu-law", NOMINAL - 10),
)


@dataclass(frozen=True)
class Script:
    """Each comma of `text` is a pause of the kind `holds`; its end is of the kind `ends`."""

    text: str
    ends: str
    holds: str = "mid-sentence"
    asked: str = ""
    """By the agent, before."""


SCRIPTS = (
    Script("I would like to book a table for two.", "sentence"),
    Script("My order has not arrived yet.", "sentence"),
    Script("I have a question about my bill.", "sentence"),
    Script("Please send it to my office instead.", "sentence"),
    Script("What time do you close on Saturday?", "question"),
    Script("Can I speak to somebody about this?", "question"),
    Script("Do you have anything earlier?", "question"),
    Script("Yes.", "short answer", asked="Shall I book it?"),
    Script("No thank you.", "short answer", asked="Shall I book it?"),
    Script("Tuesday.", "short answer", asked="Which day suits you?"),
    Script("Half past nine.", "short answer", asked="At what time?"),
    Script("That is right.", "short answer", asked="For two people?"),
    Script("I am calling because, well the heating does not work.", "sentence"),
    Script("If there is a table by the window, we would rather have that.", "sentence"),
    Script("I was there on Monday, and nobody could tell me.", "sentence"),
    Script("It says that my card, was refused.", "sentence"),
    Script("I need it on um, Thursday.", "sentence", "um"),
    Script("We will be uh, six people.", "sentence", "um"),
    Script("My name is um, Robert Miller.", "sentence", "um"),
    Script("I was thinking of maybe, coming in the evening.", "sentence", "trailing off"),
    Script("Well you know it is just that, it was late again.", "sentence", "trailing off"),
    Script("I do not know perhaps, on Friday.", "sentence", "trailing off"),
    Script("five five five, two one three, four four six seven.", "number", "digits"),
    Script("four nine two nine, one one zero five, three eight, six two.", "number", "digits"),
    Script("My number is oh seven seven, nine hundred, one two three.", "number", "digits"),
    Script("It is twelve Water Street, Springfield, nine four one.", "address", "address"),
    Script("Flat five, twenty three Mill Road, Cambridge.", "address", "address"),
)


@dataclass(frozen=True)
class Clip:
    """Speech, without silence around it. `kind` is of its end."""

    name: str
    kind: str
    ended: bool
    """Whether its end is one of a turn."""
    sound: Samples
    said: str
    asked: str = ""


def recorded(folder: Path = RECORDINGS) -> Iterator[Clip]:
    """Every one there is; those of a reader stop in the middle of a sentence where named."""
    for path in sorted(folder.iterdir()):
        if path.suffix in {".wav", ".flac"}:
            ended = path.stem not in UNFINISHED
            kind = "recording" if ended else "recording, unfinished"
            yield Clip(path.stem, kind, ended, trimmed(load(path)), "")


UNFINISHED = frozenset({"LJ001-0004", "LJ001-0006"})
"""Read from a book, and cut by their makers at a comma."""


def scripted(voices: Sequence[str] = VOICES) -> Iterator[Clip]:
    """Every script in every voice, up to each of its pauses and to its end."""
    for voice in voices:
        for script in SCRIPTS:
            sound = flite(script.text, voice)
            cuts = [*_pauses(script.text, voice), len(sound) / RATE]
            phrases = script.text.split(",")
            for at, cut in enumerate(cuts[: len(phrases)]):
                last = at == len(phrases) - 1
                kind = script.ends if last else script.holds
                part = trimmed(sound[: round((cut + BREATH) * RATE)])
                said = ",".join(phrases[: at + 1])
                yield Clip(f"{voice} {script.text}", kind, last, part, said, script.asked)


def _pauses(text: str, voice: str) -> list[float]:
    """Seconds at which flite pauses within its speech."""
    if "," not in text:
        return []
    told = subprocess.run(
        ["flite", "-voice", voice, "-psdur", "-t", text, "-o", "none"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    segments = [(name, float(end)) for name, end in (each.split(":") for each in told)]
    inner = range(1, len(segments) - 1)
    return [segments[at - 1][1] for at in inner if segments[at][0] == "pau"]


def trimmed(speech: Samples) -> Samples:
    """Without the silence at its edges."""
    loud = np.flatnonzero(np.abs(speech) > np.abs(speech).max() / 50)
    return speech[loud[0] : loud[-1] + 1]


def over(speech: Samples, line: Line) -> Samples:
    """With the line's own hiss before and after it, LEAD and TAIL seconds."""
    wanted = 32_768 * 10 ** (line.level / 20)
    level = np.sqrt(np.mean(speech.astype(np.float64) ** 2))
    scaled = (speech * (wanted / level)).clip(-32_768, 32_767).astype(np.int16)
    sound = np.concatenate([silence(LEAD), scaled, silence(TAIL, seed=1)])
    match line.law:
        case "wide band":
            return sound
        case "mu-law":
            return over_g711(sound)
        case "A-law":
            return resample(a_law(resample(sound, RATE, LINE_RATE)), LINE_RATE, RATE)


def a_law(samples: Samples) -> Samples:
    """Each as the level of ITU-T G.711 A-law that is nearest."""
    codes = np.arange(128)
    segment, step = codes >> 4, codes & 0x0F
    first = (step << 4) + 8
    half = np.where(segment == 0, first, (first + 256) << np.maximum(segment - 1, 0))
    levels = np.concatenate([-half[::-1], half])
    between = (levels[1:] + levels[:-1]) / 2
    return levels[np.searchsorted(between, samples)].astype(np.int16)

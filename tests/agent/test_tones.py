"""Keys as tones: each is told once, and speech is none."""

import asyncio

import numpy as np
import pytest
from livekit import rtc

from agent.tones import COLUMNS, KEYS, RATE, ROWS, Tones
from sip.simulate.speech import RATE as SPOKEN_RATE
from sip.simulate.speech import Samples, spoken
from tests.agent.tools.scene import ToolScene
from tests.fakes.virtual_time import on_virtual_time

FRAME = RATE // 50
VOICES = ("slt", "rms", "awb", "kal")
SAID = (
    "Hello, I would like to see the dentist on Tuesday, at half past nine if you can. "
    "My number is five five five, one two three four, and no, I am not in pain. "
    "You see, we only moved here two weeks ago, so who would know us? Ooh, see you soon then!"
)


def tone(key: str, seconds: float, *, off: float = 1.0, twist: float = 1.0) -> Samples:
    row = next(n for n, keys in enumerate(KEYS) if key in keys)
    at = np.arange(round(seconds * RATE)) / RATE * 2 * np.pi * off
    high = np.sin(COLUMNS[KEYS[row].index(key)] * at)
    return np.asarray(4000 * (np.sin(ROWS[row] * at) * twist + high)).astype(np.int16)


def pause(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), dtype=np.int16)


def keys_in(*sounds: Samples) -> str:
    tones, whole = Tones(), np.concatenate([*sounds, pause(0.1)])
    pressed = ""
    for at in range(0, whole.size - FRAME + 1, FRAME):
        frame = whole[at : at + FRAME].tobytes()
        pressed += tones.hear(rtc.AudioFrame(frame, RATE, 1, FRAME))
    return pressed


def test_every_key_is_told() -> None:
    every = "".join(KEYS)
    assert keys_in(*(sound for key in every for sound in (tone(key, 0.08), pause(0.07)))) == every


@pytest.mark.parametrize("late", [0, 37, 80, 159])
def test_fifty_milliseconds_are_enough(late: int) -> None:
    assert keys_in(pause(late / RATE), tone("5", 0.06)) == "5"


def test_a_key_is_told_once_however_long_it_is_pressed() -> None:
    assert keys_in(tone("7", 2.0)) == "7"
    assert keys_in(tone("7", 0.1), pause(0.08), tone("7", 0.1)) == "77"


@pytest.mark.parametrize("off", [0.99, 1.01])
def test_a_telephone_may_be_a_little_off(off: float) -> None:
    assert keys_in(tone("D", 0.1, off=off)) == "D"


def test_one_tone_alone_is_no_key() -> None:
    at = np.arange(RATE) / RATE * 2 * np.pi
    for hertz in (*ROWS, *COLUMNS):
        assert keys_in(np.asarray(8000 * np.sin(hertz * at)).astype(np.int16)) == ""
    assert keys_in(tone("1", 0.1, twist=0.1)) == ""


def test_a_tone_in_noise_is_told() -> None:
    noise = np.random.default_rng(1).normal(0, 800, round(0.2 * RATE))
    assert keys_in(np.asarray(tone("3", 0.2) + noise).astype(np.int16)) == "3"


def test_noise_is_no_key() -> None:
    noise = np.random.default_rng(1).normal(0, 3000, 20 * RATE).astype(np.int16)
    assert keys_in(noise) == ""


@pytest.mark.parametrize("voice", VOICES)
async def test_speech_is_no_key(voice: str) -> None:
    speech = await spoken(SAID, voice)
    at = np.arange(speech.size * RATE // SPOKEN_RATE) * SPOKEN_RATE / RATE
    assert keys_in(np.interp(at, np.arange(speech.size), speech).astype(np.int16)) == ""


DESK = {"type": "transfer", "transfers": {"desk": "+15550100"}}
KEYS_OF_THE_CALL = {"type": "keys", "human": "0", "to": "desk"}


def played(scene: ToolScene, sound: Samples) -> None:
    for at in range(0, sound.size - FRAME + 1, FRAME):
        scene.talk.hear(rtc.AudioFrame(sound[at : at + FRAME].tobytes(), RATE, 1, FRAME))


@on_virtual_time
async def test_a_persona_may_take_tones_for_keys() -> None:
    async with ToolScene([DESK, KEYS_OF_THE_CALL, {"type": "tones"}]) as scene:
        played(scene, tone("0", 0.2))
        assert await scene.talking == "transferred"
    assert scene.telephone.transferred == ["+15550100"]


@on_virtual_time
async def test_unless_it_does_they_are_sound() -> None:
    async with ToolScene([DESK, KEYS_OF_THE_CALL]) as scene:
        played(scene, tone("0", 0.2))
        await asyncio.sleep(5)  # of virtual time
        assert scene.telephone.transferred == []

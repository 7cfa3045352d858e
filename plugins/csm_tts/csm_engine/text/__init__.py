"""From an answer's text to what CSM should read. Pure: no model, no clock, no network."""

from csm_engine.text.length import expected_seconds, frame_cap
from csm_engine.text.normaliser import normalise
from csm_engine.text.options import DateOrder, Options
from csm_engine.text.readable import UnreadableError, readable
from csm_engine.text.sentences import split

__all__ = [
    "DateOrder",
    "Options",
    "UnreadableError",
    "expected_seconds",
    "frame_cap",
    "normalise",
    "readable",
    "split",
]

"""What a Realtime session has been told, as the engine's own terms. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from whisper_engine.api import errors
from whisper_engine.api.errors import ApiError
from whisper_engine.api.realtime_events import Session
from whisper_engine.protocol import Start
from whisper_engine.resampling import RATES
from whisper_engine.streaming.hearing import Policy

_NEVER = 24 * 3600.0
_HYSTERESIS = 0.15

_PartT = TypeVar("_PartT", bound=BaseModel)


def merged(old: _PartT, new: _PartT) -> _PartT:
    """`old` with what `new` was given, at any depth."""
    update = {name: getattr(new, name) for name in new.model_fields_set}
    for name, value in update.items():
        before = getattr(old, name)
        if isinstance(before, BaseModel) and isinstance(value, type(before)):
            update[name] = merged(before, value)
    return old.model_copy(update=update)


def checked(session: Session, model: str, spoken: Sequence[str]) -> Session:
    """Raises ApiError: another model, a rate that is not known, too many or too long hints."""
    asked = session.audio.input
    if asked.transcription.model not in {None, "", model}:
        raise errors.unknown_model(asked.transcription.model or "", model)
    if asked.format.rate not in RATES:
        raise ApiError(400, "bad_request", f"format.rate must be one of {RATES}", "rate")
    try:
        start_of(session, spoken)
    except ValidationError as error:
        raise errors.of_validation(error) from error
    return session


def start_of(session: Session, spoken: Sequence[str]) -> Start:
    """`spoken`: what the model hears. Where nothing is asked for, it is detected among these."""
    hints = session.audio.input.transcription
    languages = hints.languages or ()
    if not languages and not hints.language and len(spoken) > 1:
        languages = tuple(spoken)
    return Start(
        language=hints.language or next(iter(languages), spoken[0]),
        languages=languages,
        keyterms=hints.keywords or (),
        prompt=hints.prompt or "",
    )


def policy_of(session: Session, base: Policy) -> Policy:
    """With turn detection the engine makes a final after the silence that was asked for, and only
    then calls the speech ended; without, it makes none but of speech longer than it can hold.
    """
    vad = session.audio.input.turn_detection
    if vad is None:
        return replace(base, linger=_NEVER)
    silence = max(vad.silence_duration_ms / 1000, base.pause)
    off = max(vad.threshold - _HYSTERESIS, vad.threshold / 2)
    return replace(base, on=vad.threshold, off=off, ended=silence, linger=silence)


def state_of(
    session: Session, session_id: str, model: str, spoken: Sequence[str]
) -> dict[str, object]:
    """As `session.updated` tells it: no language where it is detected."""
    start = start_of(session, spoken)
    body: dict[str, object] = session.model_dump(mode="json")
    asked = session.audio.input.model_dump(mode="json")
    asked["transcription"] |= {
        "model": model,
        "language": None if start.languages else start.language,
    }
    asked["noise_reduction"] = None
    return {
        **body,
        "id": session_id,
        "object": "realtime.transcription_session",
        "audio": {"input": asked},
    }

"""What a user asks of the voice, and the `session.config` that says so to an engine. Pure."""

from collections.abc import Sequence
from typing import Any, get_args

from pydantic import ValidationError

from csm_engine.protocol import Remembers, SessionConfig


def session_config(**fields: Any) -> SessionConfig:
    """Raises ValueError for what the engine's wire does not take."""
    if fields["remembers"] not in get_args(Remembers):
        choices = ", ".join(map(repr, get_args(Remembers)))
        raise ValueError(f"remembers={fields['remembers']!r} is none of {choices}")
    try:
        return SessionConfig(**fields)
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        raise ValueError(f"{problem['loc'][0]}: {problem['msg']}") from None


def addresses(url: str | Sequence[str]) -> list[str]:
    """Without a slash at their ends. Raises ValueError for what is none."""
    urls = [url] if isinstance(url, str) else list(url)
    for one in urls:
        if not one.startswith(("http://", "https://")):
            raise ValueError(f"{one!r} is no engine's address: http://HOST:PORT or https://… is")
    if not urls:
        raise ValueError("url=[] names no engine: give one or several")
    return [one.rstrip("/") for one in urls]

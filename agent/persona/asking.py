"""Asks whoever speaks whether it can speak as the persona wants it, before there is a caller."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from agent.config import VoiceSettings
from agent.persona.load import PersonaError
from agent.persona.model import Persona
from agent.tools.declared import SECRET_PREFIX

PATIENCE = 1.0
"""Seconds. Who does not answer in time may do so when there is something to say."""

MAX_BYTES = 256 * 1024
"""Of a list of voices."""


class NotAskedError(Exception):
    """Nobody has said that the voice can speak, nor that it cannot; the message says why."""


async def refuse_a_wrong_voice(
    persona: Persona,
    own: VoiceSettings,
    http: aiohttp.ClientSession,
    environment: Mapping[str, str],
) -> None:
    """Return if the persona's voice speaks its language, as far as whoever speaks can tell.

    Raises `PersonaError` if it does not, and `NotAskedError`.
    """
    try:
        async with asyncio.timeout(PATIENCE):
            if persona.speech is None:
                await _ask_ours(persona, own, http)
            else:
                await _ask_others(persona, http, environment)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise NotAskedError(f"the voice could not be asked: {type(error).__name__}") from error


async def _ask_ours(persona: Persona, own: VoiceSettings, http: aiohttp.ClientSession) -> None:
    key = own.key.get_secret_value() if own.key else None
    wanted = {"language": persona.language, "voice": persona.voice}
    status, body = await _get(http, f"{str(own.url).rstrip('/')}/v1/audio/voices", key, wanted)
    match body:
        case {"error": {"code": "unknown_language" | "unknown_voice" as code, "message": why}}:
            field = code.removeprefix("unknown_")
            raise PersonaError(f"persona {persona.name}: {field}: the voice refuses: {why}")
    _must_be_ok(status)


async def _ask_others(
    persona: Persona, http: aiohttp.ClientSession, environment: Mapping[str, str]
) -> None:
    """OpenAI has no list of voices, but many servers of its shape have one. None tells languages."""
    assert persona.speech is not None
    speech = persona.speech
    key = environment.get(f"{SECRET_PREFIX}{speech.key}") if speech.key else None
    status, body = await _get(http, f"{speech.url.rstrip('/')}/audio/voices", key, {})
    _must_be_ok(status)
    names = _names(body)
    # "a+b" and "a(2)" are mixtures, where a server knows such.
    if names and speech.voice not in names and not set("+(,") & set(speech.voice or ""):
        known = ", ".join(sorted(names)[:20])
        raise PersonaError(
            f"persona {persona.name}: speech.voice: no voice {speech.voice!r}; there are: {known}"
        )


async def _get(
    http: aiohttp.ClientSession, url: str, key: str | None, query: dict[str, str]
) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with http.get(url, params=query, headers=headers, allow_redirects=False) as response:
        body = bytearray()
        async for piece in response.content.iter_any():
            body += piece
            if len(body) > MAX_BYTES:
                raise NotAskedError("the voice could not be asked: its list is too long")
    try:
        return response.status, json.loads(body)
    except ValueError:
        return response.status, None


def _must_be_ok(status: int) -> None:
    if status != 200:  # noqa: PLR2004
        raise NotAskedError(f"the voice could not be asked: HTTP status {status}")


def _names(body: Any) -> set[str]:
    """Of a list of voices as one server or another has it; none where it is like none of them."""
    voices = (body.get("voices") or body.get("data")) if isinstance(body, dict) else body
    names = set()
    for voice in voices if isinstance(voices, list) else []:
        if isinstance(voice, dict):
            names |= {str(voice[key]) for key in ("id", "name", "voice_id") if key in voice}
        else:
            names.add(str(voice))
    return names

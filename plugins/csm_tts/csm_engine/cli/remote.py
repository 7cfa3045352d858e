"""A text spoken by an engine that runs, over its OpenAI route."""

import base64
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from typing import Any

from pydantic import SecretStr

from csm_engine.cli.errors import CommandError
from csm_engine.cli.sound import Heard
from csm_engine.model import Manner

PATH = "/v1/audio/speech"
NO_EVENT = "its answer is no event of speech"
SILENCE = 60.0
"""Seconds without a byte after which an engine is given up."""


def speak_by(url: str, key: SecretStr | None, text: str, manner: Manner, heard: Heard) -> str:
    """The finish reason. Raises CommandError."""
    request = _request(url, key, text, manner)
    heard.asked()
    try:
        with urllib.request.urlopen(request, timeout=SILENCE) as reply:
            for event in _events(reply):
                match event:
                    case {"type": "speech.audio.delta", "audio": str(sound)}:
                        heard.take(_pcm(sound))
                    case {"type": "speech.audio.done"}:
                        return str(event.get("finish_reason", "unknown"))
                    case _:
                        raise CommandError(f"the engine failed: {_message(event)}")
    except urllib.error.HTTPError as error:
        raise CommandError(f"the engine refused: {_refusal(error)}") from error
    except urllib.error.URLError as error:
        raise CommandError(f"there is no engine at {url} ({error.reason}): start one") from error
    except (http.client.HTTPException, OSError) as error:
        raise CommandError(f"the engine broke off: {error}") from error
    raise CommandError("the engine broke off in the middle: its log says why")


def _request(url: str, key: SecretStr | None, text: str, manner: Manner) -> urllib.request.Request:
    if not _is_address(url):
        raise CommandError(f"{url} is no engine's address: give http://HOST:PORT")
    chosen = {"seed": manner.seed, "temperature": manner.temperature, "top_k": manner.top_k}
    body = {
        "input": text,
        "voice": manner.voice,
        "response_format": "pcm",
        "stream_format": "sse",
        **{name: value for name, value in chosen.items() if value is not None},
    }
    headers = {"Content-Type": "application/json"}
    if key is not None:
        headers["Authorization"] = f"Bearer {key.get_secret_value()}"
    return urllib.request.Request(url.rstrip("/") + PATH, json.dumps(body).encode(), headers)


def _is_address(url: str) -> bool:
    try:
        parts = urllib.parse.urlsplit(url)
        known = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and url.isprintable() and " " not in url


def _pcm(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except ValueError as error:
        raise CommandError(f"the engine failed: {NO_EVENT}") from error


def _events(lines: Iterable[bytes]) -> Iterator[Any]:
    for line in lines:
        if line.startswith(b"data:"):
            try:
                yield json.loads(line.removeprefix(b"data:"))
            except ValueError:
                yield None


def _refusal(error: urllib.error.HTTPError) -> str:
    try:
        return _message(json.loads(error.read()))
    except ValueError:
        return f"{error.code} {error.reason}"


def _message(body: Any) -> str:
    match body:
        case {"error": {"message": str(message)}}:
            return message
        case _:
            return NO_EVENT

"""The ways to ears, mind and voice: our own engines', and those of others that speak OpenAI's HTTP."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import aiohttp
from livekit.agents import llm, stt, tts
from livekit.plugins import csm_tts, openai, whisper_stt
from openai import AsyncOpenAI, DefaultAsyncHttpxClient, Timeout

from agent.config import MindSettings, Settings
from agent.persona import Persona
from agent.persona.policies import Endpoint
from agent.speech import Speech
from agent.tools.declared import SECRET_PREFIX
from agent.tracing import told_to_engines
from parley_serving.reservations import HEADER

NO_KEY = "unused"
"""For doors that ask for none: the client wants one."""


@dataclass(frozen=True)
class Doors:
    """Of one call. Making a client costs TLS set-up: the worker's mind is made before the call."""

    mind: AsyncOpenAI
    engines: aiohttp.ClientSession
    environment: Mapping[str, str]
    _closing: AsyncExitStack

    @classmethod
    @asynccontextmanager
    async def opened(
        cls, mind: AsyncOpenAI, environment: Mapping[str, str], reservation: str | None = None
    ) -> AsyncIterator[Self]:
        """`environment` holds the secrets that endpoints name; the engines keep room for the
        reservation, if there is one."""
        headers = {HEADER: reservation} if reservation else None
        async with (
            mind,
            aiohttp.ClientSession(
                headers=headers, trace_configs=told_to_engines(environment)
            ) as engines,
            AsyncExitStack() as closing,
        ):
            yield cls(mind, engines, environment, closing)

    def client(self, endpoint: Endpoint) -> AsyncOpenAI:
        key = self.environment[f"{SECRET_PREFIX}{endpoint.key}"] if endpoint.key else NO_KEY
        client = _client(endpoint.url, key, endpoint.timeout_seconds)
        self._closing.push_async_callback(client.close)
        return client


def mind_client(mind: MindSettings) -> AsyncOpenAI:
    """One a call process."""
    return _client(str(mind.url), mind.key.get_secret_value(), mind.timeout)


def _client(url: str, key: str, timeout: float) -> AsyncOpenAI:
    async def hold_to_it(request: Any) -> None:
        """The plugins ask with timeouts of their own, half a minute some of them."""
        asked = request.extensions.get("timeout", {})
        held = {name: min(timeout, limit or timeout) for name, limit in asked.items()}
        request.extensions = {**request.extensions, "timeout": held}

    return AsyncOpenAI(
        base_url=url,
        api_key=key,
        max_retries=0,
        http_client=DefaultAsyncHttpxClient(
            timeout=Timeout(timeout, connect=timeout), event_hooks={"request": [hold_to_it]}
        ),
    )


def ears(settings: Settings, persona: Persona, doors: Doors) -> stt.STT:
    """Others than our own, unless they are realtime, hear speech when it is over: the framework's VAD
    cuts it out."""
    own, other = settings.stt, persona.ears
    if other:
        language = persona.language.partition("-")[0]
        return openai.STT(
            model=other.model,
            language=language,
            client=doors.client(other),
            use_realtime=other.realtime,
        )
    return whisper_stt.STT(
        str(own.url),
        language=persona.language,
        key=own.key.get_secret_value() if own.key else None,
        http_session=doors.engines,
    )


def mind(settings: Settings, persona: Persona, doors: Doors) -> llm.LLM:
    """Of several, the first that answers: one that fails is asked again beside the talk, at the
    price of its answers, and has the word again once it gives one."""
    minds: list[llm.LLM] = [
        openai.LLM(model=each.model, client=doors.client(each)) for each in persona.minds
    ]
    match minds:
        case []:
            return openai.LLM(model=persona.model or settings.llm.model, client=doors.mind)
        case [only]:
            return only
        case _:
            return llm.FallbackAdapter(minds, attempt_timeout=longest_thought(settings, persona))


def longest_thought(settings: Settings, persona: Persona) -> float:
    """Seconds to the first token, of the slowest mind that is asked."""
    return max((each.timeout_seconds for each in persona.minds), default=settings.llm.timeout)


def voice(settings: Settings, persona: Persona, doors: Doors) -> tts.TTS:
    own, other = settings.tts, persona.speech
    if other:
        return Speech(other, doors.client(other))
    return csm_tts.TTS(
        str(own.url),
        voice=persona.voice,
        language=persona.language,
        remembers=own.remembers,
        key=own.key.get_secret_value() if own.key else None,
        http_session=doors.engines,
    )

"""Speaks through anybody's `POST /v1/audio/speech`.

The OpenAI plugin asks for events and takes one that tells of an error for none, so that a sentence
which broke off would count as said; this asks for plain sound.
"""

import openai
from livekit.agents import (
    DEFAULT_API_CONNECT_OPTIONS,
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    tts,
    utils,
)
from openai import AsyncOpenAI

from agent.clips import SAMPLE_RATE
from agent.persona.policies import Endpoint


class Speech(tts.TTS):
    """A sentence a request. `client` stays its maker's to close."""

    def __init__(self, endpoint: Endpoint, client: AsyncOpenAI) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        self.endpoint = endpoint
        self.client = client

    @property
    def model(self) -> str:
        return self.endpoint.model

    @property
    def provider(self) -> str:
        return self.client.base_url.host

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Sentence(self, text, conn_options)


class _Sentence(tts.ChunkedStream):
    def __init__(self, voice: Speech, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=voice, input_text=text, conn_options=conn_options)
        self._voice = voice
        self._begun = False

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        """What was begun is not tried again: the caller would hear its beginning twice."""
        try:
            await self._speak(output_emitter)
        except Exception as error:  # within a body, the client's errors are its transport's own
            raise _translated(error, retryable=not self._begun) from error

    async def _speak(self, output_emitter: tts.AudioEmitter) -> None:
        request = self._voice.client.audio.speech.with_streaming_response.create(
            input=self.input_text,
            model=self._voice.endpoint.model,
            voice=self._voice.endpoint.voice or "default",
            # WAV says its own rate, which for many voices is not that of OpenAI's.
            response_format="wav",
            stream_format="audio",
        )
        async with request as response:
            output_emitter.initialize(
                request_id=response.request_id or utils.shortuuid("speech_"),
                sample_rate=SAMPLE_RATE,
                num_channels=1,
                mime_type="audio/wav",
            )
            async for piece in response.iter_bytes():
                self._begun = True
                output_emitter.push(piece)


def _translated(error: Exception, *, retryable: bool) -> APIError:
    match error:
        case openai.APITimeoutError():
            return APITimeoutError(retryable=retryable)
        case openai.APIStatusError():
            return APIStatusError("the voice refuses", status_code=error.status_code)
        case _:
            return APIConnectionError(retryable=retryable)

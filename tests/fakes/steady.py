"""A mind and a voice that work as long as they are wanted, and note when they no longer are."""

import asyncio
from collections.abc import Callable

import numpy as np
from livekit.agents import APIConnectionError, APIConnectOptions, llm, tts
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

from tests.fakes.models import RATE, SECONDS_A_WORD, FakeMind, Reply, tool_call

LEVEL = 10_000
PIECE = 0.1


class SteadyMind(FakeMind):
    """Writes a word in a twentieth of a second."""

    def __init__(self, answer: Callable[[list[llm.ChatMessage]], Reply]) -> None:
        super().__init__(answer)
        self.closed = 0

    def chat(self, **arguments: object) -> llm.LLMStream:
        chat_ctx, tools = arguments["chat_ctx"], arguments.get("tools") or []
        options = arguments.get("conn_options", DEFAULT_API_CONNECT_OPTIONS)
        assert isinstance(chat_ctx, llm.ChatContext)
        assert isinstance(tools, list)
        assert isinstance(options, APIConnectOptions)
        self.seen.append(list(chat_ctx.messages()))
        reply = self._answer(self.seen[-1])
        return _Writing(self, reply, chat_ctx=chat_ctx, tools=tools, conn_options=options)


class _Writing(llm.LLMStream):
    def __init__(
        self,
        mind: SteadyMind,
        reply: Reply,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(mind, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._mind, self._reply = mind, reply

    async def _run(self) -> None:
        try:
            await asyncio.sleep(self._reply.after)
            if self._reply.fails:
                raise APIConnectionError("the mind is away")
            for word in self._reply.text.split(" "):
                delta = llm.ChoiceDelta(role="assistant", content=f"{word} ")
                self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))
                await asyncio.sleep(0.05)
            if self._reply.tool:
                self._event_ch.send_nowait(tool_call(self._reply.tool, self._reply.arguments))
        except asyncio.CancelledError:
            self._mind.closed += 1
            raise


class SteadyVoice(tts.TTS):
    """Says a word in a third of a second, twice as fast as it is heard, at one level."""

    def __init__(self) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1
        )
        self.spoken: list[str] = []
        self.closed = 0
        self.works = True
        self.slow = 0.0
        """Seconds until it begins a sentence."""

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Speaking(self, text, conn_options)


class _Speaking(tts.ChunkedStream):
    def __init__(self, voice: SteadyVoice, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=voice, input_text=text, conn_options=conn_options)
        self._voice = voice

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        await asyncio.sleep(self._voice.slow)
        if not self._voice.works:
            raise APIConnectionError("the voice is away")
        self._voice.spoken.append(self._input_text)
        output_emitter.initialize(
            request_id="1", sample_rate=RATE, num_channels=1, mime_type="audio/pcm"
        )
        left = SECONDS_A_WORD * len(self._input_text.split())
        try:
            while left > 1e-6:
                samples = round(min(PIECE, left) * RATE)
                output_emitter.push(np.full(samples, LEVEL, np.int16).tobytes())
                left -= PIECE
                await asyncio.sleep(PIECE / 2)
        except asyncio.CancelledError:
            self._voice.closed += 1
            raise

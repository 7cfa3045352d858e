"""A mind, a voice and a listener for whole sessions without servers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, llm, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN, NotGivenOr
from livekit.agents.voice import io

RATE = 24_000
SECONDS_A_WORD = 0.3


@dataclass(frozen=True)
class Reply:
    """What the mind answers: words, a tool call with its arguments as JSON, or a failure."""

    text: str = ""
    tool: str | None = None
    arguments: str = "{}"
    fails: bool = False
    after: float = 0.0
    """Seconds until the answer begins, or fails."""


class FakeMind(llm.LLM):
    """Answers the conversation handed to it by asking `answer`, which sees the messages."""

    def __init__(self, answer: Callable[[list[llm.ChatMessage]], Reply]) -> None:
        super().__init__()
        self._answer = answer
        self.seen: list[list[llm.ChatMessage]] = []

    @property
    def model(self) -> str:
        return "fake"

    @property
    def provider(self) -> str:
        return "tests"

    def chat(
        self,
        *,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool] | None = None,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
        parallel_tool_calls: NotGivenOr[bool] = NOT_GIVEN,
        tool_choice: NotGivenOr[llm.ToolChoice] = NOT_GIVEN,
        extra_kwargs: NotGivenOr[dict[str, Any]] = NOT_GIVEN,
    ) -> llm.LLMStream:
        self.seen.append(list(chat_ctx.messages()))
        return _Thought(self, self._answer(self.seen[-1]), chat_ctx, tools or [], conn_options)


class _Thought(llm.LLMStream):
    def __init__(
        self,
        mind: FakeMind,
        reply: Reply,
        chat_ctx: llm.ChatContext,
        tools: list[llm.Tool],
        conn_options: APIConnectOptions,
    ) -> None:
        super().__init__(mind, chat_ctx=chat_ctx, tools=tools, conn_options=conn_options)
        self._reply = reply

    async def _run(self) -> None:
        await asyncio.sleep(self._reply.after)
        if self._reply.fails:
            raise APIConnectionError("the mind is away")
        delta = llm.ChoiceDelta(role="assistant", content=self._reply.text)
        self._event_ch.send_nowait(llm.ChatChunk(id="1", delta=delta))
        if self._reply.tool:
            self._event_ch.send_nowait(tool_call(self._reply.tool, self._reply.arguments))


def tool_call(name: str, arguments: str) -> llm.ChatChunk:
    call = llm.FunctionToolCall(name=name, arguments=arguments, call_id=utils.shortuuid("call_"))
    return llm.ChatChunk(id="1", delta=llm.ChoiceDelta(role="assistant", tool_calls=[call]))


class FakeVoice(tts.TTS):
    """A third of a second of sound a word, made at once. `works()` says whether it can speak."""

    def __init__(self, works: Callable[[], bool] = lambda: True) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=RATE, num_channels=1
        )
        self.works = works
        self.spoken: list[str] = []

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> tts.ChunkedStream:
        return _Speech(self, text, conn_options)


class _Speech(tts.ChunkedStream):
    def __init__(self, voice: FakeVoice, text: str, conn_options: APIConnectOptions) -> None:
        super().__init__(tts=voice, input_text=text, conn_options=conn_options)
        self._fake = voice

    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        if not self._fake.works():
            raise APIConnectionError("the voice is away")
        self._fake.spoken.append(self._input_text)
        output_emitter.initialize(
            request_id="1", sample_rate=RATE, num_channels=1, mime_type="audio/pcm"
        )
        seconds = SECONDS_A_WORD * len(self._input_text.split())
        output_emitter.push(bytes(2 * int(seconds * RATE)))


class Listener(io.AudioOutput):
    """Hears in the loop's own time; knows how much it heard."""

    def __init__(self) -> None:
        super().__init__(
            label="listener", capabilities=io.AudioOutputCapabilities(pause=False), sample_rate=RATE
        )
        self.heard = 0.0
        self.most_ahead = 0.0
        self.finished_at = 0.0
        self._began: float | None = None
        self._given = 0.0
        self._end: asyncio.TimerHandle | None = None

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        now = asyncio.get_running_loop().time()
        if self._began is None:
            self._began = now
            self.on_playback_started(created_at=time.time())
        self._given += frame.duration
        self.most_ahead = max(self.most_ahead, self._given - (now - self._began))

    def flush(self) -> None:
        super().flush()
        if self._began is not None:
            loop = asyncio.get_running_loop()
            self._end = loop.call_at(self._began + self._given, self._finish, False)

    def clear_buffer(self) -> None:
        if self._began is not None:
            self._finish(True)

    def _finish(self, interrupted: bool) -> None:
        if self._end:
            self._end.cancel()
        now = asyncio.get_running_loop().time()
        assert self._began is not None
        position = min(self._given, now - self._began)
        self.heard += position
        self.finished_at = now
        self._began, self._given, self._end = None, 0.0, None
        self.on_playback_finished(playback_position=position, interrupted=interrupted)

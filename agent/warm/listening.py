"""Hears a colleague by the ears of the session, which does not listen to them itself."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing

from livekit import rtc
from livekit.agents import APIError, stt, vad

logger = logging.getLogger(__name__)


async def listen(
    sound: AsyncGenerator[rtc.AudioFrame],
    ears: stt.STT,
    detector: vad.VAD,
    *,
    paused: Callable[[], None],
    said: Callable[[str], None],
) -> None:
    """Tell of the end of each of their utterances and of its words, until cancelled.

    Ears that fail are not tried again: there are keys.
    """
    able = ears if ears.capabilities.streaming else stt.StreamAdapter(stt=ears, vad=detector)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(aclosing(sound))
        hearing = able.stream()
        stack.push_async_callback(hearing.aclose)
        detecting = detector.stream()
        stack.push_async_callback(detecting.aclose)

        async def pump() -> None:
            async for frame in sound:
                hearing.push_frame(frame)
                detecting.push_frame(frame)

        async def detect() -> None:
            async for event in detecting:
                if event.type == vad.VADEventType.END_OF_SPEECH:
                    paused()
                    if able.capabilities.manual_flush:
                        hearing.flush()

        async def understand() -> None:
            async for event in hearing:
                if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT and event.alternatives:
                    said(event.alternatives[0].text)

        try:
            async with asyncio.TaskGroup() as tasks:
                for work in (pump, detect, understand):
                    tasks.create_task(work())
        except* APIError as errors:
            kinds = [type(error).__name__ for error in errors.exceptions]
            logger.warning("a colleague is not heard", extra={"kinds": kinds})

"""A whole recording at once, as `STT.recognize` hears it."""

import asyncio

from livekit import rtc
from livekit.agents import APITimeoutError, LanguageCode, stt, utils
from livekit.plugins.whisper_stt.socket import EngineSocket
from livekit.plugins.whisper_stt.sound import Intake

from whisper_engine.protocol import End, Ended, Final


async def hear_all(socket: EngineSocket, pcm: bytes, timeout: float) -> list[Final]:
    """Every final of this sound: s16le, mono, 16 kHz.

    Once all has been said the engine has `timeout` seconds for the rest, and as many again after each
    final: a long recording has many. Raises APIError, in a group or by itself.
    """
    finals: list[Final] = []
    try:
        async with asyncio.timeout(None) as answer_by, asyncio.TaskGroup() as group:
            saying = group.create_task(_say(socket, pcm, answer_by, timeout))
            while not isinstance(message := await socket.receive(), Ended):
                if isinstance(message, Final):
                    finals.append(message)
                    if saying.done():
                        answer_by.reschedule(_now() + timeout)
    except TimeoutError as error:
        raise APITimeoutError("the Whisper engine does not answer") from error
    return finals


async def _say(
    socket: EngineSocket, pcm: bytes, answer_by: asyncio.Timeout, timeout: float
) -> None:
    await socket.send_audio(pcm)
    await socket.send(End())
    answer_by.reschedule(_now() + timeout)


def _now() -> float:
    return asyncio.get_running_loop().time()


def to_pcm(buffer: utils.AudioBuffer) -> bytes:
    """s16le, mono, 16 kHz. Raises APIError for what the engine cannot hear."""
    intake = Intake()
    frames = [buffer] if isinstance(buffer, rtc.AudioFrame) else buffer
    return b"".join([*map(intake.push, frames), intake.end()])


def joined(events: list[stt.SpeechEvent], language: str, request_id: str) -> stt.SpeechEvent:
    """The engine cuts long speech into several finals; LiveKit wants one."""
    parts = [event.alternatives[0] for event in events if event.alternatives[0].text]
    data = stt.SpeechData(
        language=parts[0].language if parts else LanguageCode(language),
        text=" ".join(part.text for part in parts),
        start_time=parts[0].start_time if parts else 0.0,
        end_time=parts[-1].end_time if parts else 0.0,
        confidence=min((part.confidence for part in parts), default=0.0),
        words=[word for part in parts for word in part.words or ()] or None,
    )
    return stt.SpeechEvent(stt.SpeechEventType.FINAL_TRANSCRIPT, request_id, [data])

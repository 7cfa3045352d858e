"""The recording of one call, as its persona wants it: the caller is told first."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from pathlib import Path

from livekit import rtc
from livekit.agents import AgentSession, APIError

from agent.clips import Clip, frames
from agent.persona.policies import RecordingPlan
from agent.recording.recorder import Overheard, Recorder

LEAD_IN = 0.3
"""Seconds."""

logger = logging.getLogger(__name__)

Beside = Callable[[AsyncGenerator[rtc.AudioFrame]], Awaitable[None]]
"""Plays sound that is no speech of the session's; see `agent.beside`."""


class CallRecording:
    """Nothing is recorded before `begin` has told the caller, and nothing if they could not be told.

    `told` is set when they have been: what they said meanwhile is answered then.
    """

    def __init__(
        self, plan: RecordingPlan, folder: Path, call_id: str, *, secret: Callable[[], bool]
    ) -> None:
        self._plan = plan
        self.told = asyncio.Event()
        self._ceased = False
        self._recorder: Recorder | None = None
        if plan.enabled:
            self._recorder = Recorder(folder, _file_name(call_id), plan.format, secret)
        if not (plan.enabled and plan.consent_message):
            self.told.set()

    @property
    def recorder(self) -> Recorder | None:
        """Who is told what the caller hears; None where the persona wants no recording."""
        return self._recorder

    @property
    def since(self) -> datetime | None:
        """When it began; None where nothing was recorded."""
        return self._recorder.started_at if self._recorder else None

    def overhear(self, session: AgentSession[None]) -> None:
        if self._recorder and session.input.audio:
            session.input.audio = Overheard(session.input.audio, self._recorder)

    async def begin(self, session: AgentSession[None], beside: Beside | None) -> None:
        """Tell the caller, who is heard meanwhile, and record from then on.

        Where there is no track to speak on beside the session's (a console), the session says it.
        """
        if self._recorder is None:
            return
        message = self._plan.consent_message
        try:
            if message and beside:
                await beside(_spoken(session, message))
            elif message:
                await session.say(message, add_to_chat_ctx=False)
        except (APIError, TimeoutError, rtc.ConnectError, RuntimeError) as error:
            about = {"kind": type(error).__name__}
            logger.error("the caller could not be told: nothing is recorded", extra=about)  # noqa: TRY400
            return
        finally:
            self.told.set()
        if not self._ceased:
            self._recorder.start()

    def cease(self, *, discard: bool) -> bool:
        """Record no more of this call, and keep nothing of it with `discard`.

        False: nothing is recorded of it anyway.
        """
        self._ceased = True
        if self._recorder is None:
            return False
        self._recorder.cease(discard=discard)
        return True

    async def end(self) -> Path | None:
        """Where it lies, if it is whole."""
        recorder = self._recorder
        return recorder.path if recorder and await recorder.stop() else None


async def _spoken(session: AgentSession[None], text: str) -> AsyncGenerator[rtc.AudioFrame]:
    """By the session's voice, after a silence behind which the way to the caller opens."""
    async for frame in frames(Clip.silence(LEAD_IN)):
        yield frame
    assert session.tts is not None
    async with session.tts.synthesize(text) as sound:
        async for event in sound:
            yield event.frame


def _file_name(call_id: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", call_id)[:100]

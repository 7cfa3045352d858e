"""What our own voice is told of a call, so that it can remember it. A voice of others is told nothing."""

from livekit import rtc
from livekit.agents import AgentSession
from livekit.plugins import csm_tts


def follow(session: AgentSession[None]) -> None:
    """The turns, and what was heard of those that were cut off.

    To be called before an output of ours wraps the session's: what that queues was not heard.
    """
    if isinstance(session.tts, csm_tts.TTS):
        session.tts.follow(session)


def hear(session: AgentSession[None], frame: rtc.AudioFrame) -> None:
    """How the caller sounds; without `remembers` `sounds` the voice does not take it."""
    if isinstance(session.tts, csm_tts.TTS):
        session.tts.hear(frame)

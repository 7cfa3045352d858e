"""Which ears, mind and voice a call gets, and how its turns are taken. Wiring only."""

from dataclasses import dataclass
from importlib import import_module

from livekit import rtc
from livekit.agents import (
    AgentSession,
    APIConnectOptions,
    TurnHandlingOptions,
    inference,
    llm,
    stt,
    tts,
    vad,
)
from livekit.agents.voice import room_io
from livekit.agents.voice.agent_session import SessionConnectOptions
from livekit.agents.voice.turn import TurnDetectionMode

from agent import doors as doors_to
from agent.clips import SAMPLE_RATE
from agent.config import Settings, VadKind
from agent.doors import Doors
from agent.persona import Persona

VAD_SILENCE = 0.25
"""Seconds. The least that a streaming turn detector accepts; silero's own 0.55 would floor every delay."""

NEVER = 1_000_000
"""Errors after which the framework would give up, more than a call has: recovery.py decides that."""

LAST_WORDS = 0.3
"""Seconds that a call which is over waits for what the caller said last."""


def import_vad(kind: VadKind) -> None:
    """To be called where `load_vad` will be: a plugin can be imported by a main thread alone, and
    the calls of a console are threads. Silero is 20 MB a call, for who asks for it."""
    if kind == "silero":
        import_module("livekit.plugins.silero")


def load_vad(kind: VadKind) -> vad.VAD:
    """The session's voice activity detector; both are silero, weights inside the wheel."""
    match kind:
        case "bundled":
            return inference.VAD(model="silero", min_silence_duration=VAD_SILENCE)
        case "silero":
            from livekit.plugins import silero  # noqa: PLC0415  # imported by import_vad

            return silero.VAD.load(min_silence_duration=VAD_SILENCE, sample_rate=16_000)


@dataclass(frozen=True)
class Models:
    """Who hears, thinks and speaks in a call, and who tells speech and its end."""

    ears: stt.STT
    mind: llm.LLM
    voice: tts.TTS
    detector: vad.VAD
    turns: TurnDetectionMode


def build_session(
    settings: Settings, persona: Persona, detector: vad.VAD, doors: Doors
) -> AgentSession[None]:
    """A call's session, by the doors. The persona has the settings' defaults."""
    turns = inference.TurnDetector(
        version="v1-mini", unlikely_threshold=persona.start_speaking_plan.unlikely_threshold
    )
    models = Models(
        ears=doors_to.ears(settings, persona, doors),
        mind=doors_to.mind(settings, persona, doors),
        voice=doors_to.voice(settings, persona, doors),
        detector=detector,
        turns=turns,
    )
    return assemble(settings, persona, models)


def assemble(settings: Settings, persona: Persona, models: Models) -> AgentSession[None]:
    """A session of these models, with every cloud default switched off."""
    start, stop = persona.start_speaking_plan, persona.stop_speaking_plan
    return AgentSession[None](
        stt=models.ears,
        llm=models.mind,
        tts=models.voice,
        vad=models.detector,
        turn_handling=TurnHandlingOptions(
            turn_detection=models.turns,
            endpointing={
                "mode": "fixed",
                "min_delay": start.wait_seconds,
                "max_delay": start.max_wait_seconds,
            },
            interruption={
                "mode": "vad",
                "min_duration": stop.voice_seconds,
                "resume_false_interruption": True,
                "false_interruption_timeout": settings.turn.resume_after,
            },
            preemptive_generation={"enabled": True, "preemptive_tts": False, "max_retries": 3},
            user_turn_limit={
                "max_words": persona.limits.max_turn_words,
                "max_duration": persona.limits.max_turn_seconds,
            },
        ),
        transcription_timeout=persona.failure_plan.unheard_seconds,
        use_tts_aligned_transcript=True,
        aec_warmup_duration=None,
        user_away_timeout=None,
        session_close_transcript_timeout=LAST_WORDS,
        conn_options=SessionConnectOptions(
            # A stream that lives on says again what its engine did not answer; a new one does not.
            stt_conn_options=APIConnectOptions(max_retry=NEVER, retry_interval=0.5, timeout=4.0),
            llm_conn_options=APIConnectOptions(
                max_retry=0 if len(persona.minds) > 1 else 1,  # the next mind is the other try
                retry_interval=0.3,
                timeout=doors_to.longest_thought(settings, persona),
            ),
            tts_conn_options=APIConnectOptions(max_retry=1, retry_interval=0.2, timeout=6.0),
            max_unrecoverable_errors=NEVER,
        ),
    )


def room_options(caller: rtc.RemoteParticipant) -> room_io.RoomOptions:
    """16 kHz in 20 ms frames is what both the turn detection and the ears work on.

    Its level stays as the telephone sends it: the framework's gain control would raise a line's
    noise and clip its speech, and the ears would hear words in both.
    The room is deleted, and the session closed, by the one hang-up path alone.
    """
    return room_io.RoomOptions(
        audio_input=room_io.AudioInputOptions(
            sample_rate=16_000, frame_size_ms=20, auto_gain_control=False
        ),
        audio_output=room_io.AudioOutputOptions(sample_rate=SAMPLE_RATE),
        participant_identity=caller.identity,
        close_on_disconnect=False,
        delete_room_on_close=False,
    )

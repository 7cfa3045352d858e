"""The worker: LiveKit gives it calls, it answers each in a process of its own."""

import asyncio
import logging
import os
import time
from datetime import UTC, datetime
from functools import partial

from livekit.agents import JobContext, JobProcess

from agent import doors as doors_to
from agent import tracing
from agent.admission.desk import Desk
from agent.analysis import analyse, transcript
from agent.beside import play_beside
from agent.call import BadRequestError, Call, CallRequest
from agent.config import AGENT_NAME, Settings
from agent.control import Control
from agent.conversation import Conversation
from agent.doors import Doors, mind_client
from agent.figures import CallFigures, Post
from agent.line import Line, NoCallerError
from agent.persona import (
    NotAskedError,
    Persona,
    PersonaError,
    filled,
    load_persona,
    refuse_a_wrong_voice,
    with_defaults,
)
from agent.privacy import keep_callers_out_of_logs
from agent.reception import Reception, reserved
from agent.record import CallRecord, call_record
from agent.server import Worker
from agent.session import build_session, import_vad, load_vad, room_options
from agent.show import RoomAudience, shown
from agent.steady import on_steady_time
from agent.tools.declared import SECRET_PREFIX
from agent.tools.telephone import RoomTelephone
from parley_serving import load_settings

logger = logging.getLogger(__name__)

RINGING = 90.0
"""Seconds for whom we call to answer: whoever places the call gives up before, LiveKit after 80 s."""
CALLER_TIMEOUT = 10.0
"""Seconds for whoever was asked into the room to come."""
GONE_AFTER = 0.5
"""The same for who calls us: their arrival made the room, so that one who is not there hung up."""
PATIENCE = {"inbound": GONE_AFTER, "outbound": RINGING}


def prepare(process: JobProcess) -> None:
    """Runs once in each call process, before a call reaches it."""
    settings = Settings()
    if not settings.log_callers:
        keep_callers_out_of_logs(logging.getLogger().handlers)
    tracing.set_up(os.environ)
    process.userdata["settings"] = settings
    process.userdata["vad"] = load_vad(settings.vad)
    process.userdata["mind"] = mind_client(settings.llm)
    desk = process.userdata["desk"] = Desk(settings.line, settings.ledger, settings.llm.max_calls)
    desk.open()


async def answer(job: JobContext) -> None:
    """Take one call. Returns when the talk has begun.

    The framework tells a job that the worker stops only after this has returned; it then waits
    for the call's end in the shutdown callback.
    """
    line = Line(job)
    call = asyncio.create_task(on_steady_time(_call(job, line)))
    call.add_done_callback(lambda _: line.up.set())

    async def finish() -> None:
        line.end("worker stopped")
        await call

    job.add_shutdown_callback(finish)
    await line.up.wait()


async def _call(job: JobContext, line: Line) -> None:
    """One call, from the job's start until the caller is gone and the room is deleted."""
    settings: Settings = job.proc.userdata["settings"]
    if await _is_held(job):
        return
    call = Call(id=job.job.room.name, started_at=time.monotonic())
    record = _record(job, settings, call)
    figures = CallFigures(Post.of_worker())
    job.log_context_fields = {"call_id": call.id}
    try:
        request = CallRequest.parse(job.job.metadata)
        record.asked(request)
        figures.begun(request.direction)
        if admitted := await _let_in(job, call, line, record, request):
            await _talk(job, call, line, record, admitted, figures=figures)
    except NoCallerError as error:
        call.stopping(str(error))
    except (BadRequestError, PersonaError) as error:
        call.failed(str(error))
        logger.error("the call could not be taken", extra={"reason": str(error)})  # noqa: TRY400
    except Exception as error:
        call.failed(type(error).__name__)
        raise
    finally:
        if not job.is_fake_job() and not await line.hang_up():
            logger.error("the caller may still be on the line: the room could not be deleted")
        now = time.monotonic()
        call.ended(now)
        logger.info("call ended", extra=call.summary(now))
        figures.ended(call, now)
        await record.close()
        job.shutdown(call.end_reason or "the call ended")


async def _is_held(job: JobContext) -> bool:
    """LiveKit asks for an agent again where it makes a room anew that a dead server had. The call's own
    agent comes back there by itself: two would talk."""
    desk: Desk = job.proc.userdata["desk"]
    if job.is_fake_job() or not await desk.is_held(job.job.room.name, datetime.now(UTC)):
        return False
    logger.warning("another agent has this call", extra={"room": job.job.room.name})
    job.shutdown("another agent has this call")
    return True


def _record(job: JobContext, settings: Settings, call: Call) -> CallRecord:
    """A console's call is nobody's to keep."""
    kept = None if job.is_fake_job() else settings.ledger
    url = kept.get_secret_value() if kept else None
    desk: Desk = job.proc.userdata["desk"]
    return call_record(call, url, room=job.job.room.name, key=job.job.id, cost=desk.cost)


async def _let_in(
    job: JobContext, call: Call, line: Line, record: CallRecord, request: CallRequest
) -> CallRequest | None:
    """Callers by telephone. Whom we call is, and is rung, if there is room in the engines; who is in
    a test room is."""
    settings: Settings = job.proc.userdata["settings"]
    if request.direction == "outbound" and not await reserved(settings, request, job.job.id):
        call.failed("the engines are full")
        logger.warning("nobody is called: the engines are full")
        return None
    if request.direction != "inbound" or job.is_fake_job():
        return request
    desk: Desk = job.proc.userdata["desk"]
    return await Reception(job, line, call, record, settings, desk, GONE_AFTER).let_in(request)


async def _talk(
    job: JobContext,
    call: Call,
    line: Line,
    record: CallRecord,
    request: CallRequest,
    *,
    figures: CallFigures,
) -> None:
    settings: Settings = job.proc.userdata["settings"]
    call.connecting()
    persona = with_defaults(load_persona(settings.personas, request.persona), settings.turn)
    async with Doors.opened(job.proc.userdata["mind"], os.environ, job.job.id) as doors:
        await _ask_the_voice(persona, settings, doors)
        session = build_session(settings, persona, job.proc.userdata["vad"], doors)
        record.watch(session)
        figures.watch(session)
        talk = Conversation(settings, persona, call, session)

        async def converse() -> str:
            if job.is_fake_job():  # the console is its own caller
                talk.introduce(filled(persona, request, _here()))
                await talk.start()
            else:
                patience = PATIENCE.get(request.direction, CALLER_TIMEOUT)
                caller = await line.wait_for_caller(patience)
                asked = request.with_sip(caller.attributes)
                call.id = asked.call_id or call.id
                record.joined(asked, caller.identity, caller.attributes)
                placed = request.direction == "outbound"
                talk.introduce(filled(persona, asked, _here()), placed=placed)
                ours = asked.from_ if placed else asked.to
                telephone = RoomTelephone(job, caller, ours=ours, legs=record, let_go=line.let_go)
                beside = partial(play_beside, job.room)
                await talk.start(
                    telephone, beside, room=job.room, room_options=room_options(caller)
                )
                if placed:
                    talk.hold(True)
                    await line.wait_for_answer(caller, RINGING)
                    talk.hold(False)
                Control(session, talk.stop_recording).obey(job.room)
            call.active(time.monotonic())
            record.went_on()
            line.up.set()
            if job.is_fake_job():
                return await talk.run()
            async with shown(RoomAudience(job.room), session, talk.memory.unspoken):
                return await talk.run()

        try:
            reason = await _first(asyncio.ensure_future(converse()), line.over)
            call.stopping(await talk.parting(reason))
            record.went_on()
        finally:
            await talk.aclose()
            record.recorded(call.recording, talk.recorded_since)
        if persona.analysis_plan.wants_any and not job.is_fake_job():
            await line.hang_up()  # nobody shall wait for it
            mind = doors_to.mind(settings, persona, doors)
            made = await analyse(mind, transcript(session.history.items), persona.analysis_plan)
            record.note(summary=made.summary, extracted=made.data)


async def _ask_the_voice(persona: Persona, settings: Settings, doors: Doors) -> None:
    """A call in a language that the voice lacks would be one long failure. Raises PersonaError."""
    try:
        await refuse_a_wrong_voice(persona, settings.tts, doors.engines, doors.environment)
    except NotAskedError as error:
        logger.info("nobody vouches for the voice", extra={"reason": str(error)})


def _here() -> datetime:
    return datetime.now().astimezone()


async def _first(talk: asyncio.Future[str], line_over: asyncio.Future[str]) -> str:
    """Why the call ends: the talk is over, or the caller is gone and the talk is cut short."""
    try:
        await asyncio.wait({talk, line_over}, return_when=asyncio.FIRST_COMPLETED)
        return line_over.result() if line_over.done() else talk.result()
    finally:
        talk.cancel()
        await asyncio.wait({talk})


settings = load_settings(Settings, besides=SECRET_PREFIX)
import_vad(settings.vad)
server = Worker(settings, prepare)
server.rtc_session(answer, agent_name=AGENT_NAME, on_request=server.choose)

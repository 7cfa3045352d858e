"""The worker: LiveKit gives it calls, it answers each in a process of its own."""

import asyncio
import logging
import math
import time

from livekit.agents import AgentServer, JobContext, JobProcess, JobRequest

from agent.call import BadRequestError, Call, CallRequest, HeldCalls
from agent.config import AGENT_NAME, Settings
from agent.conversation import Conversation
from agent.health import Health
from agent.line import Line, NoCallerError
from agent.persona import PersonaError, load_persona
from agent.privacy import keep_callers_out_of_logs
from agent.session import Doors, build_session, load_vad, mind_client, room_options
from parley_serving import load_settings

logger = logging.getLogger(__name__)

CALLER_TIMEOUT = 10.0


def prepare(process: JobProcess) -> None:
    """Runs once in each call process, before a call reaches it."""
    settings = Settings()
    if not settings.log_callers:
        keep_callers_out_of_logs(logging.getLogger().handlers)
    process.userdata["settings"] = settings
    process.userdata["vad"] = load_vad(settings.vad)
    process.userdata["mind"] = mind_client(settings.llm)


async def choose(request: JobRequest) -> None:
    """Take the call if there is room for it; else leave it to another worker."""
    if held.accept(request.id, _active(), time.monotonic()):
        await request.accept(name="agent")
    else:
        logger.warning("call left to other workers", extra={"held": held.limit})
        await request.reject(terminate=False)


async def answer(job: JobContext) -> None:
    """One call, from the job's start until the caller is gone and the room is deleted."""
    settings: Settings = job.proc.userdata["settings"]
    call = Call(id=job.job.room.name, started_at=time.monotonic())
    job.log_context_fields = {"call_id": call.id}
    line = Line(job)
    try:
        await _talk(job, settings, call, line)
    except (BadRequestError, PersonaError, NoCallerError) as error:
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
        job.shutdown(call.end_reason or "the call ended")


async def _talk(job: JobContext, settings: Settings, call: Call, line: Line) -> None:
    call.connecting()
    request = CallRequest.parse(job.job.metadata)
    persona = load_persona(settings.personas, request.persona)
    async with Doors.opened(job.proc.userdata["mind"]) as doors:
        session = build_session(settings, persona, job.proc.userdata["vad"], doors)
        talk = Conversation(settings, persona, call, session)

        async def converse() -> str:
            if job.is_fake_job():  # the console is its own caller
                await talk.start()
            else:
                caller = await line.wait_for_caller(CALLER_TIMEOUT)
                call.id = request.with_sip(caller.attributes).call_id or call.id
                await talk.start(room=job.room, room_options=room_options(caller))
            call.active(time.monotonic())
            return await talk.run()

        try:
            call.stopping(await _first(asyncio.ensure_future(converse()), line.over))
        finally:
            await talk.aclose()


async def _first(talk: asyncio.Future[str], line_over: asyncio.Future[str]) -> str:
    """Why the call ends: the talk is over, or the caller is gone and the talk is cut short."""
    try:
        await asyncio.wait({talk, line_over}, return_when=asyncio.FIRST_COMPLETED)
        return line_over.result() if line_over.done() else talk.result()
    finally:
        talk.cancel()
        await asyncio.wait({talk})


def _active() -> set[str]:
    return {running.job.id for running in server.active_jobs}


def load() -> float:
    """Calls held by calls allowed. Never the CPU: a busy machine must not leave callers ringing."""
    return held.load(_active(), time.monotonic())


settings = load_settings(Settings)
held = HeldCalls(settings.max_calls)
server = AgentServer(
    # The gate is `choose`, which counts exactly; the framework's estimate of the load of calls
    # that have not started would refuse the second of two calls that come at once.
    load_threshold=math.inf,
    load_fnc=load,
    num_idle_processes=settings.idle_processes,
    host="127.0.0.1",
    port=0,
    setup_fnc=prepare,
    preload_modules=["agent.preload"],
)
server.rtc_session(answer, agent_name=AGENT_NAME, on_request=choose)
health = Health(server, held, _active, settings)

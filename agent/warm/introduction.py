"""Tells a colleague of a call, asks whether they take it, and brings them and the caller together."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar

from livekit import rtc
from livekit.agents import AgentSession, APIError, llm

from agent.analysis import analyse, transcript
from agent.lexicon import Lexicon
from agent.persona.analysis import AnalysisPlan
from agent.tools.guard import ToolFailure
from agent.tools.kinds import Transfer
from agent.warm.asking import Asking
from agent.warm.colleague import Colleague, NotJoinedError
from agent.warm.listening import listen

logger = logging.getLogger(__name__)

HELLO = 2.0
"""Seconds in which whoever answers may say so before they are told."""
SUMMARY = 6.0
"""Seconds that the mind has for the summary, from when the telephone rings."""
LONGEST = 600
"""Characters of it."""
ANSWER = 6.0
"""Seconds after the question."""
ASKS = 2
"""Times that it is asked."""

_T = TypeVar("_T")

ANNOUNCEMENT = "I have a caller for you."
SUMMARY_PROMPT = (
    "A colleague takes over this telephone call. Tell them in one or two short sentences who calls and "
    "what they want. Your words are read aloud: plain sentences, no lists. Invent nothing."
)
QUESTION = "Press one, or say yes, to take the call."

UNTOLD = "Who should take the call could not be told of it."


class Exchange(Protocol):
    """What a warm transfer needs of the telephone."""

    async def music(self, clip: Path | None) -> None:
        """For the caller, until cancelled."""
        ...

    def ring(self, number: str, ringing: int) -> AbstractAsyncContextManager[Colleague]:
        """Who answers there; leaving hangs up on them unless they were joined."""
        ...


class Introduction:
    """Of one call. `hold` is told when the caller begins to wait, and when that was in vain."""

    def __init__(
        self,
        session: AgentSession[None],
        plan: Transfer,
        *,
        language: str,
        clip: Path | None,
        hold: Callable[[bool], None],
    ) -> None:
        self._session = session
        self._plan = plan
        self._lexicon = Lexicon.of(language)
        self._clip = clip
        self._hold = hold

    async def bring(self, exchange: Exchange, number: str) -> None:
        """Returns when they are joined. Raises `NotJoinedError`, `ToolFailure` and what ringing raises:
        the caller is still ours, and hears music no more."""
        self._hold(True)
        try:
            async with (
                _meanwhile(exchange.music(self._clip)) as music,
                _meanwhile(self._summary()) as summary,
                exchange.ring(number, self._plan.ringing_seconds) as colleague,
            ):
                await self._offer(colleague, summary)
                await _stopped(music)
                await colleague.join()
        except Exception:
            self._hold(False)
            raise

    async def _offer(self, colleague: Colleague, summary: asyncio.Task[str]) -> None:
        """Returns when they take the call. Raises `NotJoinedError` and `ToolFailure`."""
        asking, changed, paused = Asking(self._lexicon), asyncio.Event(), asyncio.Event()

        def noted(note: Callable[[], None]) -> None:
            note()
            if asking.taken is not None:
                changed.set()

        async def leaves() -> None:
            await colleague.gone.wait()
            noted(asking.leaves)

        async def ask() -> None:
            await self._ask(colleague, summary, asking, paused)
            noted(asking.leaves)

        colleague.on_key(lambda key: noted(lambda: asking.key(key)))
        works = [leaves(), ask()]
        if self._session.stt and self._session.vad:
            ears, detector = self._session.stt, self._session.vad
            works.append(
                listen(
                    colleague.sound(),
                    ears,
                    detector,
                    paused=paused.set,
                    said=lambda text: noted(lambda: asking.words(text)),
                )
            )
        await _until(changed, works)
        if not asking.taken:
            raise NotJoinedError("rejected")

    async def _ask(
        self,
        colleague: Colleague,
        summary: asyncio.Task[str],
        asking: Asking,
        paused: asyncio.Event,
    ) -> None:
        """As often as is asked at all. Raises `ToolFailure`."""
        await _within(HELLO, paused)
        await self._say(colleague, self._plan.announcement or ANNOUNCEMENT)
        if told := await summary:
            await self._say(colleague, told)
        for _ in range(ASKS):
            asking.asks()
            await self._say(colleague, self._plan.question or QUESTION)
            await asyncio.sleep(ANSWER)

    async def _say(self, colleague: Colleague, text: str) -> None:
        voice = self._session.tts
        if voice is None:
            raise ToolFailure("transfer_failed", UNTOLD)

        async def sound() -> AsyncGenerator[rtc.AudioFrame]:
            async with voice.synthesize(text) as speech:
                async for event in speech:
                    yield event.frame

        try:
            async with aclosing(sound()) as frames:
                await colleague.say(frames)
        except APIError as error:
            logger.warning("a colleague was not told", extra={"kind": type(error).__name__})
            raise ToolFailure("transfer_failed", UNTOLD) from error

    async def _summary(self) -> str:
        """In one line; empty where the mind gives none in time."""
        mind, prompt = self._session.llm, self._plan.summary_prompt or SUMMARY_PROMPT
        if not isinstance(mind, llm.LLM):
            return ""
        wanted = AnalysisPlan(summary=True, summary_prompt=prompt)
        try:
            async with asyncio.timeout(SUMMARY):
                made = await analyse(mind, transcript(self._session.history.items), wanted)
        except TimeoutError:
            logger.info("a colleague is told of no summary: the mind was late")
            return ""
        return " ".join((made.summary or "").split())[:LONGEST]


@asynccontextmanager
async def _meanwhile(work: Coroutine[None, None, _T]) -> AsyncIterator[asyncio.Task[_T]]:
    """It is over when this is left; how it ended is nobody's."""
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        await _stopped(task)


async def _stopped(task: asyncio.Task[object]) -> None:
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and (error := task.exception()):
        logger.warning("beside a transfer", extra={"kind": type(error).__name__})


async def _within(seconds: float, event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def _until(event: asyncio.Event, works: list[Coroutine[None, None, None]]) -> None:
    """Raises the first failure among the works, alone."""
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(work) for work in works]
            await event.wait()
            for task in running:
                task.cancel()
    except ExceptionGroup as group:
        raise group.exceptions[0] from None

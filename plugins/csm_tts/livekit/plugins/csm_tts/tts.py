"""LiveKit's TTS, spoken by a CSM engine."""

import uuid
import weakref
from collections.abc import Callable, Sequence
from functools import partial
from typing import Self

import aiohttp
from livekit import rtc
from livekit.agents import AgentSession, APIConnectionError, APIConnectOptions, tts, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS
from livekit.plugins.csm_tts.caller import Intake
from livekit.plugins.csm_tts.following import Following
from livekit.plugins.csm_tts.line import Line
from livekit.plugins.csm_tts.memory import Memory
from livekit.plugins.csm_tts.options import addresses, session_config
from livekit.plugins.csm_tts.outbox import Outbox
from livekit.plugins.csm_tts.pool import Pool
from livekit.plugins.csm_tts.recent import Recent
from livekit.plugins.csm_tts.socket import EngineSocket
from livekit.plugins.csm_tts.streams import Chunked, Manner, Stream

from csm_engine.protocol import SAMPLE_RATE, Remembers


class TTS(tts.TTS):
    """One TTS is one call is one conversation with the engine.

    Args:
        url: an engine's address, `http://127.0.0.1:8102` say; or those of several, of which a
            conversation goes to the one with most room, and stays there while that can be.
        voice, language: as the engines know them.
        remembers: what the voice knows of the conversation when it speaks: `nothing` but its clip;
            what it said itself (`agent`); the caller's words too (`texts`); and how the caller
            sounded (`sounds`). What it is to remember of others comes by `follow`, or by `heard`,
            `interrupted` and `hear`.
        first_clause: begin a reply's first sentence at the end of its first clause (of four words
            at least), if it is still being written by then.
        key: the engines' bearer key.
        http_session: LiveKit's own by default, inside a job.
        max_lead: seconds of sound that may wait to be taken from a stream; past them the socket is
            not read, so that the engine stops too.

    Raises ValueError for any of them that cannot be.
    """

    def __init__(
        self,
        url: str | Sequence[str],
        *,
        voice: str = "default",
        language: str = "en",
        remembers: Remembers = "agent",
        first_clause: bool = True,
        key: str | None = None,
        http_session: aiohttp.ClientSession | None = None,
        max_lead: float = 1.0,
    ) -> None:
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=True, aligned_transcript=True),
            sample_rate=SAMPLE_RATE,
            num_channels=1,
        )
        self._config = session_config(
            voice=voice, language=language, remembers=remembers, session_id=uuid.uuid4().hex
        )
        self._pool = Pool(addresses(url), key, partial(_session, http_session))
        self._model = "csm"
        self._outbox = Outbox(self._config.caller_rate)
        self._intake = Intake(self._config.caller_rate)
        recent = Recent(remembers)
        self._line = Line(self._open, self._pool.lost, recent, self._outbox)
        self._memory = Memory(self._line, recent)
        self._manner = Manner(self._line, self._memory, max_lead, first_clause)
        self._following: Following | None = None
        self._streams: weakref.WeakSet[Stream | Chunked] = weakref.WeakSet()

    @property
    def model(self) -> str:
        """What the engine said it runs, once a socket has been opened."""
        return self._model

    @property
    def provider(self) -> str:
        return "csm_engine"

    @property
    def unheard_seconds(self) -> float:
        """Seconds of the caller's sound, of that given to `hear`, which no engine was told."""
        return self._outbox.dropped

    def prewarm(self) -> None:
        self._line.warm(DEFAULT_API_CONNECT_OPTIONS.timeout)

    def stream(self, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS) -> Stream:
        stream = Stream(csm=self, manner=self._manner, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS
    ) -> Chunked:
        stream = Chunked(csm=self, manner=self._manner, text=text, conn_options=conn_options)
        self._streams.add(stream)
        return stream

    def follow(self, session: AgentSession) -> Callable[[], None]:
        """Tell the engine what happens in `session`: the caller's turns, and what was heard of a
        reply that was interrupted. Returns what ends it; so does `aclose`.

        Any time will do, and twice is once: after `session.start`, before whatever else is to wrap
        `session.output.audio`, is best. A `tts_node` of your own must pass on the frames that it
        gets, or keep their `userdata`. The caller's sound is not taken from the session: with
        `remembers="sounds"` call `hear` for each frame in your agent's `stt_node`.
        """
        following = self._following
        if following is None or following.ended or following.session is not session:
            self._unfollow()
            following = self._following = Following(session, self._memory)
        return following.detach

    def heard(self, text: str) -> None:
        """The caller's turn has ended with these words. For who does not `follow` a session.

        What is spoken from now on is the next reply. Sent with `remembers` `texts` and `sounds`.
        """
        self._memory.heard(text)

    def interrupted(self, played: float) -> None:
        """The reply was cut off after `played` seconds, counted from its first sound, all its
        streams together. For who does not `follow` a session: call it before `heard`.
        """
        self._memory.interrupted(played)

    def hear(self, frame: rtc.AudioFrame) -> None:
        """The caller's sound as it comes, one channel of any rate; `remembers="sounds"` takes it.

        Never waits: what an engine does not take in time is dropped, see `unheard_seconds`.
        """
        if self._config.remembers == "sounds" and (pcm := self._intake.push(frame)):
            self._line.hear(pcm)

    async def __aenter__(self) -> Self:
        return self

    async def aclose(self) -> None:
        """Ends every stream and hangs up. LiveKit's sessions do not call it: whoever made this does."""
        self._unfollow()
        for stream in list(self._streams):
            await stream.aclose()
        await self._line.aclose()

    def _unfollow(self) -> None:
        if self._following is not None:
            self._following.detach()
            self._following = None

    async def _open(self, timeout: float, own: bool) -> EngineSocket:
        """The conversation's own socket, or one beside it, which has a name of its own."""
        config = self._config if own else self._config.model_copy(update={"session_id": None})
        socket = await self._pool.open(config, timeout)
        self._model = socket.model
        return socket


def _session(given: aiohttp.ClientSession | None) -> aiohttp.ClientSession:
    try:
        return given or utils.http_context.http_session()
    except RuntimeError as error:
        raise APIConnectionError(str(error), retryable=False) from error

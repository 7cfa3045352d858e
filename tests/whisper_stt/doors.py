"""An engine with its doors for OpenAI's clients, and the counting model behind them."""

import asyncio
import contextlib
import io
import math
import wave
from collections.abc import AsyncIterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from parley_serving import Gate, Service, build_app
from tests.serving.running import Running, running
from tests.whisper_stt.counting import Counting
from whisper_engine.api.routes import routes
from whisper_engine.api.uploads import Limits
from whisper_engine.metrics import Metrics
from whisper_engine.model import Decoder, Heard, Request, UnknownLanguageError
from whisper_engine.protocol import MAX_MESSAGE_BYTES, SAMPLE_RATE, Start
from whisper_engine.streaming.stream import Shared

KEY = "sesame"
HEADERS = {"Authorization": f"Bearer {KEY}"}


class Bilingual(Counting):
    """Counts for who speaks English or French. While it is `deaf` it trusts no words."""

    languages: tuple[str, ...] = ("en", "fr")

    def __init__(self) -> None:
        super().__init__()
        self.deaf = False
        self._lent_changed = asyncio.Condition()

    async def lends(self, count: int) -> None:
        """Returns when so many decoders are in use."""
        async with asyncio.timeout(5), self._lent_changed:
            await self._lent_changed.wait_for(lambda: self.lent == count)

    @contextlib.asynccontextmanager
    async def decoder(self, start: Start) -> AsyncIterator[Decoder]:
        for language in start.languages or (start.language,):
            if language not in self.languages:
                raise UnknownLanguageError("this model hears en and fr")
        try:
            async with super().decoder(start) as decoder:
                await self._tell_lent()
                yield _Doubting(self, decoder)
        finally:
            await self._tell_lent()

    async def _tell_lent(self) -> None:
        async with self._lent_changed:
            self._lent_changed.notify_all()


class _Doubting:
    def __init__(self, model: Bilingual, decoder: Decoder) -> None:
        self._model = model
        self._decoder = decoder

    async def decode(self, request: Request) -> Heard | None:
        heard = await self._decoder.decode(request)
        return Heard() if self._model.deaf else heard

    def promote(self) -> None:
        self._decoder.promote()


@dataclass(frozen=True)
class Doors:
    model: Bilingual
    gate: Gate
    server: Running

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def v1(self) -> str:
        return f"{self.url}/v1"


@contextlib.asynccontextmanager
async def opened(limits: Limits | None = None) -> AsyncIterator[Doors]:
    """Nothing is too late to be worth an interim: these clients do not wait for the clock."""
    model, gate, registry = Bilingual(), Gate(4), CollectorRegistry()
    shared = Shared(model, Metrics(registry), gate.draining, behind=math.inf)
    service = Service(
        name="whisper",
        model=model.name,
        gate=gate,
        start=model.running,
        key=SecretStr(KEY),
        routes=routes(shared, gate, limits),
        registry=registry,
    )
    async with running(build_app(service), max_message=MAX_MESSAGE_BYTES) as server:
        yield Doors(model, gate, server)


def wav(pcm: bytes, rate: int = SAMPLE_RATE, channels: int = 1) -> bytes:
    """`pcm` is s16le."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(pcm)
    return buffer.getvalue()

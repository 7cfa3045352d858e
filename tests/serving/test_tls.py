"""An engine that speaks TLS, and the plugins that speak with it: if they trust who signed, else not."""

import ssl
import wave
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from livekit.agents import APIConnectionError
from livekit.agents.stt import SpeechEventType
from livekit.plugins import csm_tts, whisper_stt
from pydantic import SecretStr, ValidationError

from parley_serving import ListenSettings
from sip.doctor.finding import Reporter, Verdict
from sip.doctor.servers import Server, ready
from tests.conformance.stt import ONCE as HEAR_ONCE
from tests.conformance.stt import Spoken, push, said, until
from tests.conformance.tts import listen
from tests.csm_tts import conftest as csm
from tests.csm_tts.tone import FRAME, Tone
from tests.fakes.authority import Authority
from tests.serving.running import Running, running
from tests.whisper_stt import conftest as whisper
from tests.whisper_stt.counting import Counting
from web.server.engines import Engine, HttpEngines
from whisper_engine.protocol import MAX_MESSAGE_BYTES


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Authority.made().folder(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def spoken() -> Spoken:
    """To the counting model a real question is so many words."""
    with wave.open(str(whisper.QUESTION)) as file:
        pcm = file.readframes(file.getnframes())
        return Spoken(pcm, file.getframerate(), "one two three four")


@pytest.fixture
def listening(folder: Path) -> ListenSettings:
    return ListenSettings(port=1, certificate=folder / "cert.pem", private_key=folder / "key.pem")


@pytest.fixture
async def voice(listening: ListenSettings) -> AsyncIterator[Running]:
    app, _ = csm.app_of(Tone())
    async with running(app, listen=listening) as server:
        yield server


@pytest.fixture
async def ears(listening: ListenSettings) -> AsyncIterator[Running]:
    app, _ = whisper.app_of(Counting())
    async with running(app, max_message=MAX_MESSAGE_BYTES, listen=listening) as server:
        yield server


def trusting(folder: Path) -> aiohttp.ClientSession:
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context))


async def test_the_voice_is_heard_by_who_trusts_its_authority(folder: Path, voice: Running) -> None:
    assert voice.url.startswith("https://")
    async with trusting(folder) as http:
        mouth = csm_tts.TTS(voice.url, key=csm.KEY, http_session=http)
        heard = await listen(mouth, "One two three.")
        await mouth.aclose()
    assert heard.pcm == 3 * FRAME


async def test_the_ears_hear_who_trusts_their_authority(
    folder: Path, ears: Running, spoken: Spoken
) -> None:
    async with trusting(folder) as http:
        plugin = whisper_stt.STT(ears.url, key=whisper.KEY, http_session=http)
        async with plugin.stream(conn_options=HEAR_ONCE) as stream:
            push(stream, spoken.then_silence())
            stream.flush()
            events = await until(stream, SpeechEventType.FINAL_TRANSCRIPT)
        await plugin.aclose()
    assert said(events) == spoken.words


async def test_an_engine_of_another_authority_is_not_spoken_with(
    tmp_path: Path, voice: Running
) -> None:
    async with trusting(Authority.made().folder(tmp_path / "other")) as http:
        mouth = csm_tts.TTS(voice.url, key=csm.KEY, http_session=http)
        with pytest.raises(APIConnectionError):
            await listen(mouth, "One two three.")
        await mouth.aclose()


async def test_the_overview_and_the_doctor_see_an_engine_that_speaks_tls(
    folder: Path, voice: Running
) -> None:
    key = SecretStr(csm.KEY)
    trusts = ssl.create_default_context(cafile=folder / "ca.pem")
    (seen,) = await HttpEngines([Engine("voice", voice.url, key=key)], trusts).look()
    assert seen.state == "ready"
    (unseen,) = await HttpEngines([Engine("voice", voice.url, key=key)]).look()
    assert unseen.state == "absent"
    report = Reporter("voice")
    assert (await ready(report, Server(voice.url, "", key, trusts))).verdict is Verdict.OK
    assert (await ready(report, Server(voice.url, "", key))).verdict is Verdict.FAILED


async def test_an_engine_that_speaks_tls_speaks_nothing_else(voice: Running) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get(f"{voice.url.replace('https', 'http')}/health")


def test_a_certificate_without_its_key_is_refused(folder: Path) -> None:
    with pytest.raises(ValidationError, match="go together"):
        ListenSettings(port=1, certificate=folder / "cert.pem")

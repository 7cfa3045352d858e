"""Both engines on Ray Serve behind HAProxy, by `deploy/ray/start.py`, with the rehearsal models."""

import ipaddress
import sys
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import psutil
import pytest
from livekit.agents import APIConnectOptions
from livekit.plugins import csm_tts, whisper_stt

from csm_engine.protocol import (
    PATH,
    InputDone,
    InputText,
    SessionConfig,
    UtteranceDone,
)
from tests.conformance.stt import ONCE as HEAR_ONCE
from tests.conformance.stt import Spoken, word_error_rate
from tests.conformance.tts import TEXT, check_events, listen
from tests.csm_tts.wire import wire
from tests.ray.cluster import KEY, Cluster, small, started
from tests.serving.process import free_port
from tests.stack import gone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

QUESTION = Path(__file__).parents[1] / "data" / "audio" / "weather_question.wav"
WORDS = "what is the weather in Paris"
PATIENT = APIConnectOptions(max_retry=60, retry_interval=1.0, timeout=20.0)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    phrases = tmp_path_factory.mktemp("phrases") / "phrases.txt"
    phrases.write_text(f"{WORDS}\nwhat are your opening hours\ngoodbye\n")
    settings = {"WHISPER_PHRASES": str(phrases), "CSM_LISTEN__MAX_SESSIONS": "2"}
    with started(small(free_port()), **settings) as cluster:
        yield cluster


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def voice(cluster: Cluster, http: aiohttp.ClientSession) -> AsyncIterator[csm_tts.TTS]:
    voice = csm_tts.TTS(cluster.url("csm"), key=KEY, http_session=http)
    yield voice
    await voice.aclose()


ASKING = """
import sys, grpc
for port in sys.argv[1:]:
    ask = grpc.insecure_channel(f"127.0.0.1:{port}").unary_unary("/ray.serve.ASGIService/HandleRequest")
    try:
        ask(b"", timeout=20)
    except grpc.RpcError as error:
        print(error.code().name)
"""


async def test_all_listen_on_loopback_but_what_wants_rays_token(cluster: Cluster) -> None:
    listening = cluster.listening()
    assert len(listening) > 10
    beyond = [str(port) for ip, port in listening if not on_loopback(ip)]
    answers = await cluster.run(sys.executable, "-c", ASKING, *beyond)
    assert answers.split() == ["UNAUTHENTICATED"] * len(beyond)


def on_loopback(ip: str) -> bool:
    address = ipaddress.ip_address(ip)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def test_no_engine_is_put_behind_other_work(cluster: Cluster) -> None:
    assert [replica.nice() for replica in cluster.replicas("")] == [psutil.Process().nice()] * 2


async def test_the_voice_speaks(voice: csm_tts.TTS) -> None:
    check_events(voice, await listen(voice, TEXT))


async def test_the_ears_hear(cluster: Cluster, http: aiohttp.ClientSession) -> None:
    with wave.open(str(QUESTION)) as file:
        spoken = Spoken(file.readframes(file.getnframes()), file.getframerate(), WORDS)
    async with whisper_stt.STT(cluster.url("whisper"), key=KEY, http_session=http) as ears:
        event = await ears.recognize(list(spoken.frames()), conn_options=HEAR_ONCE)
    assert word_error_rate(WORDS, event.alternatives[0].text) <= 0.25


async def test_who_has_no_key_is_refused(cluster: Cluster, http: aiohttp.ClientSession) -> None:
    url = cluster.url("csm")
    with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
        await http.ws_connect(url + PATH)
    assert raised.value.status == 401
    async with http.get(f"{url}/metrics") as response:
        assert response.status == 401
    async with http.get(f"{url}/ready") as response:
        assert await response.json() == {"ready": True, "model": "rehearsal", "held": 0, "room": 2}


async def test_a_replica_that_is_full_says_so(
    cluster: Cluster, http: aiohttp.ClientSession
) -> None:
    url = cluster.url("csm")
    async with AsyncExitStack() as calls:
        for _ in range(2):
            await calls.enter_async_context(wire(http, url, SessionConfig()))
        with pytest.raises(aiohttp.WSServerHandshakeError) as raised:
            await http.ws_connect(url + PATH, headers={"Authorization": f"Bearer {KEY}"})
        assert raised.value.status == 503
        assert raised.value.headers is not None
        assert raised.value.headers["Retry-After"] == "1"


async def test_a_replica_that_is_drained_ends_no_call(
    cluster: Cluster, http: aiohttp.ClientSession
) -> None:
    (replica,) = cluster.replicas("csm")
    async with wire(http, cluster.url("csm"), SessionConfig()) as call:
        await cluster.replace_csm()
        await call.send(InputText(utterance="u", sentence=0, text="Still here."))
        await call.send(InputDone(utterance="u"))
        spoken = await call.until(UtteranceDone)
        assert [each for each in spoken if isinstance(each, bytes)]
        assert spoken[-1].finish_reason == "stop"
        assert replica.is_running()
    await gone(replica)


async def test_a_replica_that_is_killed_costs_no_more_than_its_sentence(
    cluster: Cluster, voice: csm_tts.TTS
) -> None:
    check_events(voice, await listen(voice, "Before.", options=PATIENT))
    for replica in cluster.replicas("csm"):
        replica.kill()
    heard = await listen(voice, "And after.", options=PATIENT)
    check_events(voice, heard)
    assert "".join(heard.texts) == "And after."

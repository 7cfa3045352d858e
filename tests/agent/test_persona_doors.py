"""A persona's own ears, minds and voice, behind OpenAI's doors: those of our engines, over sockets."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit.agents import APIConnectOptions, APIError, ConversationItemAddedEvent, llm, tts
from livekit.agents.utils import http_context
from pydantic import SecretStr

from agent import doors as doors_to
from agent.call import Call
from agent.config import Settings
from agent.conversation import Conversation
from agent.doors import Doors, mind_client
from agent.persona import Persona
from agent.persona.policies import Endpoint
from agent.session import build_session, load_vad
from agent.speech import Speech
from parley.scripted.app import build_scripted
from parley.scripted.script import Entry, Script
from parley_serving import Gate
from tests.conformance.stt import Spoken
from tests.conformance.tts import deaf_server
from tests.csm_tts import conftest as voices
from tests.csm_tts.tone import FRAME, Tone
from tests.fakes.models import Listener
from tests.serving.running import running
from tests.whisper_stt import conftest as hearing
from tests.whisper_stt.counting import Counting
from tests.whisper_stt.test_in_session import Microphone
from whisper_engine.protocol import MAX_MESSAGE_BYTES

KEY = SecretStr("thinker")
SECRETS = {"AGENT_SECRET_ENGINES": "sesame", "AGENT_SECRET_MIND": KEY.get_secret_value()}
SCRIPT = Script(
    greeting="Hello.",
    silence="Hello?",
    unknown="You have counted well.",
    entries=[Entry(name="never", hears=["zebra"], says="No.")],
)


@dataclass
class House:
    """Both engines and the scripted mind, each behind its own socket and key."""

    ears: Counting
    voice: Tone
    endpoints: dict[str, dict[str, Any]]

    def persona(self, **said: Any) -> Persona:
        return Persona.model_validate(
            {
                "name": "clerk",
                "instructions": "Be brief.",
                "greeting": "Good day.",
                "ears": self.endpoints["ears"],
                "minds": [self.endpoints["mind"]],
                "speech": self.endpoints["speech"],
                **said,
            }
        )


@pytest.fixture
async def house() -> AsyncIterator[House]:
    ears, voice = Counting(), Tone()
    mind = build_scripted({"clerk": SCRIPT}, Gate(4), KEY, pace=0.0)
    async with AsyncExitStack() as stack:
        urls = [
            (await stack.enter_async_context(running(app, max_message=MAX_MESSAGE_BYTES))).url
            for app in (hearing.app_of(ears)[0], mind, voices.app_of(voice)[0])
        ]
        voice.forget()  # the warm request
        ends = [
            {"model": "counting", "key": "ENGINES"},
            {"model": "scripted-clerk", "key": "MIND"},
            {"model": "tone", "key": "ENGINES", "voice": "default"},
        ]
        for end, url in zip(ends, urls, strict=True):
            end["url"] = f"{url}/v1"
        yield House(ears, voice, dict(zip(("ears", "mind", "speech"), ends, strict=True)))


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Doors]:
    async with Doors.opened(mind_client(settings.llm), SECRETS) as doors:
        yield doors


def question() -> Spoken:
    with wave.open(str(hearing.QUESTION)) as file:
        pcm = file.readframes(file.getnframes())
        return Spoken(pcm, file.getframerate(), "").then_silence(2.0)


@pytest.mark.engine
@pytest.mark.parametrize("realtime", [False, True], ids=["uploads", "realtime"])
async def test_a_call_runs_on_our_engines_behind_openai_s_doors(
    house: House, realtime: bool
) -> None:
    settings = Settings()
    persona = house.persona(ears={**house.endpoints["ears"], "realtime": realtime})
    said: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def note(event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage):
            said.put_nowait((event.item.role, event.item.text_content or ""))

    async with http_context.open(), opened(settings) as doors:
        session = build_session(settings, persona, load_vad("bundled"), doors)
        session.input.audio = microphone = Microphone()
        session.output.audio = Listener()
        session.on("conversation_item_added", note)
        talk = Conversation(settings, persona, Call(id="c", started_at=0.0), session)
        await talk.start()
        talking = asyncio.create_task(talk.run())
        assert await said.get() == ("assistant", "Good day.")
        microphone.hear(question())
        role, heard = await said.get()
        assert (role, heard.split()[:3]) == ("user", ["one", "two", "three"])
        assert await said.get() == ("assistant", "You have counted well.")
        talk.end("the test is over")
        await talking
        await talk.aclose()
    assert house.voice.spoken == ["Good day.", "You have counted well."]
    assert house.ears.started_with[-1].language == "en"


async def thought(mind: llm.LLM) -> str:
    context = llm.ChatContext.empty()
    context.add_message(role="user", content="one two")
    async with mind.chat(chat_ctx=context, conn_options=APIConnectOptions(max_retry=0)) as stream:
        return "".join([c.delta.content or "" async for c in stream if c.delta])


async def test_a_mind_that_is_away_or_deaf_leaves_the_word_to_the_next(house: House) -> None:
    settings = Settings()
    async with deaf_server() as deaf, opened(settings) as doors:
        away = {"url": "http://127.0.0.1:9/v1", "model": "m"}
        mute = {"url": f"{deaf}/v1", "model": "m", "timeout_seconds": 0.2}
        persona = house.persona(minds=[away, mute, house.endpoints["mind"]])
        mind = doors_to.mind(settings, persona, doors)
        assert await thought(mind) == "You have counted well."
        await mind.aclose()


async def test_a_mind_has_the_time_that_its_persona_gives_it(house: House) -> None:
    settings = Settings()
    async with deaf_server() as deaf, opened(settings) as doors:
        mute = {"url": f"{deaf}/v1", "model": "m", "timeout_seconds": 0.2}
        with pytest.raises(APIError):
            await thought(doors_to.mind(settings, house.persona(minds=[mute]), doors))


async def spoken(voice: tts.TTS, text: str) -> tuple[bytes, bool]:
    """What was heard of it, and whether it broke off. Asked twice, where the framework may."""
    heard, retry = bytearray(), APIConnectOptions(max_retry=1, retry_interval=0.0)
    try:
        async with voice.synthesize(text, conn_options=retry) as stream:
            async for event in stream:
                heard += bytes(event.frame.data)
    except APIError:
        return bytes(heard), True
    return bytes(heard), False


async def test_another_s_voice_sounds_as_it_was_made(house: House) -> None:
    settings = Settings()
    async with opened(settings) as doors:
        voice = doors_to.voice(settings, house.persona(), doors)
        assert await spoken(voice, "One two three.") == (3 * FRAME, False)


async def test_a_sentence_that_broke_off_is_not_said_again(house: House) -> None:
    settings = Settings()
    async with opened(settings) as doors:
        voice = doors_to.voice(settings, house.persona(), doors)
        heard, broke = await spoken(voice, "It will fail now.")
        assert broke
        assert FRAME.startswith(heard)
        assert house.voice.spoken == ["It will fail now."]


async def test_a_sentence_of_which_nothing_was_heard_is_tried_again(house: House) -> None:
    settings = Settings()
    async with opened(settings) as doors:
        voice = doors_to.voice(settings, house.persona(), doors)
        assert await spoken(voice, "It is busy.") == (b"", True)
        assert house.voice.spoken == ["It is busy.", "It is busy."]


async def test_a_voice_of_another_rate_is_heard_at_its_own_speed() -> None:
    """Piper's voices are of 22.05 kHz, mostly."""
    sound, rate = io.BytesIO(), 22_050
    with wave.open(sound, "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(b"\x00\x10" * rate)

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=sound.getvalue(), content_type="audio/wav")

    app = web.Application()
    app.router.add_post("/v1/audio/speech", answer)
    settings = Settings()
    async with TestServer(app) as server, opened(settings) as doors:
        endpoint = Endpoint(url=str(server.make_url("/v1")), model="piper", voice="ryan")
        heard, broke = await spoken(Speech(endpoint, doors.client(endpoint)), "One second.")
    assert not broke
    assert len(heard) / 2 / 24_000 == pytest.approx(1.0, abs=0.05)

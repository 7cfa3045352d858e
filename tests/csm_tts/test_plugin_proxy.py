"""The voice through a proxy that ends its sockets whenever it likes, as those of GPU clouds do."""

from livekit.agents import APIConnectOptions

from tests.conformance.tts import MakeTTS, watch
from tests.csm_tts.conftest import Engine
from tests.csm_tts.tone import FRAME
from tests.fakes.proxy import cutting

OFTEN = APIConnectOptions(max_retry=50, retry_interval=0.0, timeout=10.0)


async def test_each_sentence_is_said_once_and_in_order_however_often_it_cuts(
    engine: Engine, make_tts: MakeTTS
) -> None:
    words = [word for number in range(12) for word in (f"Word{number}", "of", "these.")]
    async with cutting(engine.url) as proxy:
        voice = make_tts(url=proxy.url)
        heard = watch(voice)
        async with voice.stream(conn_options=OFTEN) as stream:
            stream.push_text(" ".join(words))
            stream.end_input()
            async for event in stream:
                heard.events.append(event)
                if len(heard.events) % 5 == 0:
                    proxy.cut()
        await voice.aclose()
    assert [word for text in heard.texts for word in text.split()] == words
    assert heard.errors, "it cut nothing"
    assert all(error.recoverable for error in heard.errors)


async def test_a_sentence_that_is_cut_ends_where_it_was_and_the_next_is_whole(
    engine: Engine, make_tts: MakeTTS
) -> None:
    async with cutting(engine.url) as proxy:
        voice = make_tts(url=proxy.url)
        heard = watch(voice)
        async with voice.stream(conn_options=OFTEN) as stream:
            stream.push_text("Wait, wait for it. Three four five.")
            stream.end_input()
            heard.events.append(await anext(stream))
            proxy.cut()
            heard.events += [event async for event in stream]
        await voice.aclose()
    assert engine.model.spoken == ["Wait, wait for it.", "Three four five."]
    assert heard.pcm.endswith(FRAME * 3)
    assert len(heard.pcm) < len(FRAME) * (4 + 3)
    assert [error.recoverable for error in heard.errors] == [True]

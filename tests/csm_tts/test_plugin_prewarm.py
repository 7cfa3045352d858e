"""The socket is open before the first sentence."""

from tests.conformance.tts import MakeTTS, listen
from tests.csm_tts.conftest import Engine


async def test_prewarm_opens_the_socket_that_the_first_sentence_uses(
    make_tts: MakeTTS, engine: Engine
) -> None:
    voice = make_tts()
    voice.prewarm()
    heard = await listen(voice, "One two three.")
    assert heard.metrics[0].connection_reused
    assert engine.gate.held == 1
    assert voice.model == "tone"


async def test_prewarm_without_an_engine_is_no_error(make_tts: MakeTTS, engine: Engine) -> None:
    voice = make_tts(key="wrong")
    voice.prewarm()
    await voice.aclose()
    assert engine.gate.held == 0

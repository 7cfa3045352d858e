"""The ears through a proxy that ends their sockets whenever it likes, as those of GPU clouds do."""

from livekit.agents import APIConnectOptions
from livekit.agents.stt import SpeechEventType

from tests.conformance.stt import MakeSTT, Spoken, finals, kinds, rest, said, until, watch
from tests.fakes.proxy import cutting
from tests.whisper_stt.conftest import Engine

AGAIN = APIConnectOptions(max_retry=5, retry_interval=0.05, timeout=10.0)


async def test_no_word_is_lost_or_doubled_when_it_cuts_in_mid_word_and_again_in_the_next_turn(
    engine: Engine, make_stt: MakeSTT, spoken: Spoken
) -> None:
    frames = list(spoken.then_silence().frames())
    turns = []
    async with cutting(engine.url) as proxy:
        ears = make_stt(url=proxy.url)
        reported = watch(ears)
        async with ears.stream(conn_options=AGAIN) as stream:
            for _ in range(2):
                for frame in frames[:80]:
                    stream.push_frame(frame)
                events = await until(stream, SpeechEventType.INTERIM_TRANSCRIPT)
                proxy.cut()
                for frame in frames[80:]:
                    stream.push_frame(frame)
                stream.flush()
                turns.append(events + await until(stream, SpeechEventType.FINAL_TRANSCRIPT))
            stream.end_input()
            await rest(stream)
        await ears.aclose()
    for turn in turns:
        assert said(turn) == spoken.words
        assert len(finals(turn)) == 1
        assert kinds(turn).count(SpeechEventType.START_OF_SPEECH) == 1
    assert [error.recoverable for error in reported.errors] == [True, True]

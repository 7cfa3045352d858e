"""Where `follow` puts itself: once, in any order with others, and away again."""

import asyncio

from livekit import rtc
from livekit.agents.voice import io

from tests.csm_tts.followed import scene
from tests.fakes.virtual_time import on_virtual_time


class Wrapped(io.AudioOutput):
    """An output that an application puts around the session's."""

    def __init__(self, sink: io.AudioOutput) -> None:
        super().__init__(
            label="wrapped",
            capabilities=io.AudioOutputCapabilities(pause=True),
            next_in_chain=sink,
            sample_rate=sink.sample_rate,
        )

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        assert self.next_in_chain is not None
        await self.next_in_chain.capture_frame(frame)

    def flush(self) -> None:
        super().flush()
        assert self.next_in_chain is not None
        self.next_in_chain.flush()

    def clear_buffer(self) -> None:
        assert self.next_in_chain is not None
        self.next_in_chain.clear_buffer()


@on_virtual_time
async def test_twice_is_once_and_before_there_is_an_output_will_do() -> None:
    async with scene(follow=False, max_lead=1e6) as talk:
        output, talk.session.output.audio = talk.session.output.audio, None
        detach = talk.voice.follow(talk.session)
        assert talk.voice.follow(talk.session) == detach
        talk.session.output.audio = output
        await talk.interrupt_after(1.0)
        assert len(set(talk.told("cut"))) == 1


@on_virtual_time
async def test_an_output_that_wraps_the_tap_is_left_alone() -> None:
    async with scene(max_lead=1e6) as talk:
        tapped = talk.session.output.audio
        assert tapped is not None
        outer = talk.session.output.audio = Wrapped(tapped)
        await talk.interrupt_after(1.0)
        assert talk.session.output.audio is outer
        assert len(set(talk.told("cut"))) == 1


@on_virtual_time
async def test_detached_nothing_is_told_until_it_is_followed_again() -> None:
    async with scene(follow=False, remembers="texts", max_lead=1e6) as talk:
        detach = talk.voice.follow(talk.session)
        detach()
        detach()
        await talk.interrupt_after(1.0)
        await talk.session.generate_reply(user_input="Are you open?")
        await asyncio.sleep(1)
        assert not talk.told("cut")
        assert not talk.told("append")
        talk.voice.follow(talk.session)
        await talk.interrupt_after(1.0)
        assert talk.told("cut")

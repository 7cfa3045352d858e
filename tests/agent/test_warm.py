"""Warm transfers in whole sessions: what the colleague is told and asked, and what becomes of the caller."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from agent.lexicon import Lexicon
from agent.warm.asking import Asking
from sip.transfer import Reason
from tests.agent.tools.scene import ToolScene, use
from tests.fakes.caller import Caller
from tests.fakes.models import FakeVoice, Reply
from tests.fakes.telephone import FakeTelephone
from tests.fakes.virtual_time import on_virtual_time

WARM = {"type": "transfer", "mode": "warm", "transfers": {"desk": "+15550100"}}
KEYS = {"type": "keys", "human": "0", "to": "desk"}
ANNOUNCED = "I have a caller for you."
ASKED = "Press one, or say yes, to take the call."
SUMMARY = Reply("Ann has broken a crown.")


def scene(*uses: Reply, telephone: FakeTelephone | None = None) -> ToolScene:
    """A caller who asks for the desk; `uses` follow what the model answers to that."""
    wish = use("transfer_call", "I put you through.", to="desk")
    return ToolScene(
        [WARM, KEYS], [wish, *uses], telephone or FakeTelephone(rings=5.0), caller=Caller()
    )


def to_them(call: ToolScene) -> list[str]:
    """What the voice has said to the colleague."""
    voice = call.session.tts
    assert isinstance(voice, FakeVoice)
    began = voice.spoken.index(ANNOUNCED) if ANNOUNCED in voice.spoken else len(voice.spoken)
    return voice.spoken[began:]


async def until_asked(call: ToolScene) -> None:
    """They have heard the question, and what comes before it."""

    def is_heard() -> bool:
        told = to_them(call)
        return ASKED in told and call.telephone.colleague.happened.count("told") == len(told)

    async with asyncio.timeout(60):
        while not is_heard():  # noqa: ASYNC110  # virtual time
            await asyncio.sleep(0.1)


def says(call: ToolScene, words: str) -> None:
    """The colleague, who is the last whom the session's ears have begun to hear."""
    assert call.caller is not None
    call.caller.hear(words)


@on_virtual_time
async def test_a_colleague_who_presses_one_is_joined_with_the_caller() -> None:
    async with scene(SUMMARY) as call:
        call.session.generate_reply(user_input="The desk, please. I have broken a crown.")
        await until_asked(call)
        assert to_them(call) == [ANNOUNCED, SUMMARY.text, ASKED]
        assert not call.session.input.audio_enabled
        call.telephone.colleague.press("1")
        assert await call.talking == "transferred"
        assert not call.session.input.audio_enabled
    happened = call.telephone.colleague.happened
    assert happened == ["music", "told", "told", "told", "silence", "joined"]
    assert (call.telephone.rung, call.telephone.transferred) == (["+15550100"], [])
    sent = " ".join(message.text_content or "" for message in call.mind.seen[1])
    assert "Caller: The desk, please. I have broken a crown." in sent


@on_virtual_time
async def test_a_colleague_who_says_yes_is_joined_but_not_for_a_word_before_the_question() -> None:
    async with scene(SUMMARY) as call:
        call.session.generate_reply(user_input="The desk, please.")
        await asyncio.sleep(9.0)
        assert call.telephone.colleague.happened == ["music"]
        says(call, "Yes, hello, the desk.")
        await until_asked(call)
        assert not call.telephone.colleague.joined
        says(call, "Yes, put them through.")
        assert await call.talking == "transferred"
    assert call.telephone.colleague.joined


@on_virtual_time
async def test_a_key_for_a_person_is_warm_too_and_the_caller_is_asked_nothing_meanwhile() -> None:
    async with scene(telephone=FakeTelephone(rings=25.0)) as call:
        call.telephone.keys("0")
        await asyncio.sleep(30.0)
        assert call.said() == ["Good day."]
        call.telephone.colleague.press("1")
        assert await call.talking == "transferred"


async def presses_two(call: ToolScene) -> None:
    call.telephone.colleague.press("2")


async def says_no(call: ToolScene) -> None:
    await until_asked(call)
    says(call, "No, not now.")


async def leaves(call: ToolScene) -> None:
    call.telephone.colleague.gone.set()


async def stays_silent(call: ToolScene) -> None:
    await until_asked(call)


@pytest.mark.parametrize("does", [presses_two, says_no, leaves, stays_silent])
def test_a_call_that_is_not_taken_is_ours_again(
    does: Callable[[ToolScene], Awaitable[None]],
) -> None:
    @on_virtual_time
    async def test() -> None:
        async with scene(SUMMARY, Reply("Nobody is free.")) as call:
            speech = call.session.generate_reply(user_input="The desk, please.")
            await asyncio.sleep(8.0)
            await does(call)
            await speech
            told = {"error": "transfer_failed", "message": "The call was not taken."}
            assert call.results() == [told]
            assert call.said()[-1] == "Nobody is free."
            assert call.session.input.audio_enabled
            assert not call.talk.over.done()
            happened = call.telephone.colleague.happened
            assert happened[-2:] == ["dropped", "silence"]
        assert not call.telephone.colleague.joined

    test()


@on_virtual_time
async def test_a_question_that_is_not_answered_is_asked_once_more() -> None:
    async with scene(SUMMARY) as call:
        call.session.generate_reply(user_input="The desk, please.")
        await until_asked(call)
        says(call, "Who is this?")
        await asyncio.sleep(7.0)
        assert to_them(call)[-2:] == [ASKED, ASKED]
        says(call, "Alright, yes.")
        assert await call.talking == "transferred"


@pytest.mark.parametrize("summary", [Reply("Too late.", after=30.0), Reply(fails=True)])
def test_without_a_summary_they_are_asked_all_the_same(summary: Reply) -> None:
    @on_virtual_time
    async def test() -> None:
        async with scene(summary) as call:
            call.session.generate_reply(user_input="The desk, please.")
            await until_asked(call)
            assert to_them(call) == [ANNOUNCED, ASKED]

    test()


@pytest.mark.parametrize(
    ("reason", "told"), [("busy", "The line is busy."), ("no_answer", "Nobody answers.")]
)
def test_who_cannot_be_reached_is_said_to_be_so(reason: Reason, told: str) -> None:
    @on_virtual_time
    async def test() -> None:
        async with scene(telephone=FakeTelephone(fails=reason)) as call:
            await call.session.generate_reply(user_input="The desk, please.")
            assert call.results() == [{"error": "transfer_failed", "message": told}]
            assert call.telephone.colleague.happened == ["music", "silence"]
            assert call.session.input.audio_enabled

    test()


@on_virtual_time
async def test_a_caller_who_leaves_meanwhile_hung_up() -> None:
    async with scene(SUMMARY) as call:
        call.session.generate_reply(user_input="The desk, please.")
        await until_asked(call)
        assert await call.talk.parting("caller hung up") == "caller hung up"
    assert call.telephone.colleague.happened[-2:] == ["dropped", "silence"]


@pytest.mark.parametrize(
    ("language", "text", "taken"),
    [
        ("en", "Yes.", True),
        ("en", "No problem, put her through.", True),
        ("en", "Yes, but not now.", False),
        ("en", "Uh, what?", None),
        ("de-AT", "Ja, gerne.", True),
        ("de", "Nein, das geht nicht.", False),
        ("fr", "Oui, bien sûr.", True),
        ("fr", "Non.", False),
        ("es", "Sí, claro.", True),
        ("es", "No, más tarde.", False),
        ("it", "Sì.", None),
    ],
)
def test_what_takes_a_call(language: str, text: str, taken: bool | None) -> None:
    asking = Asking(Lexicon.of(language))
    asking.words(text)
    assert asking.taken is None
    asking.asks()
    asking.words(text)
    assert asking.taken is taken


def test_the_first_decision_stands() -> None:
    asking = Asking(Lexicon.of("en"))
    asking.key("1")
    asking.leaves()
    assert asking.taken

"""What a browser is told of the call in its room."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from agent.call import CallState
from agent.memory import Memory
from agent.persona import Persona
from agent.show import LONGEST, VERSION, WAITING, Show, shown
from tests.agent.tools.scene import ToolScene, use
from tests.fakes.talk import PATIENCE, STORY, Talk, talk
from tests.fakes.virtual_time import on_virtual_time

PERSONA = Persona(name="clerk", instructions="Be brief.", greeting="Good day.")

ASKED = "When do you open?"

ORDER = ("detect", "transcribe", "turn", "think", "speak", "play")


@dataclass
class Seat:
    """A browser in the room, or an empty one; `slow` takes no message, `broken` fails at each."""

    there: list[str] = field(default_factory=lambda: ["browser-1"])
    slow: bool = False
    broken: bool = False
    told: list[dict[str, Any]] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def browsers(self) -> Sequence[str]:
        return self.there

    async def send(self, message: bytes, to: Sequence[str]) -> None:
        if self.slow:
            await asyncio.Event().wait()
        if self.broken:
            raise ConnectionError
        assert list(to) == self.there
        self.told.append(json.loads(message))
        self._changed.set()

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.told if event["kind"] == kind]

    async def until(self, kind: str, times: int = 1) -> dict[str, Any]:
        """The last of so many of a kind."""
        async with asyncio.timeout(PATIENCE):
            while len(self.of(kind)) < times:
                self._changed.clear()
                await self._changed.wait()
        return self.of(kind)[times - 1]


@asynccontextmanager
async def watched(call: Talk, seat: Seat) -> AsyncIterator[Seat]:
    async with shown(seat, call.session, call.conversation.memory.unspoken):
        yield seat


@on_virtual_time
async def test_a_question_and_its_answer_are_told_with_where_the_time_went() -> None:
    async with talk(PERSONA, ["We open at nine."]) as call, watched(call, Seat()) as seat:
        await call.caller.speak(1.0, ASKED, interims=[(0.4, ASKED)])
        answer = await seat.until("turn", 2)
        (question, _) = seat.of("turn")
    assert (question["role"], question["text"]) == ("user", ASKED)
    assert question["parts"] == {}
    assert (answer["role"], answer["text"].strip()) == ("assistant", "We open at nine.")
    assert (answer["interrupted"], answer["unspoken"]) == (False, "")
    assert answer["parts"].keys() == {*ORDER, "whole"}
    assert abs(sum(answer["parts"][name] for name in ORDER) - answer["parts"]["whole"]) < 0.001
    assert [event["state"] for event in seat.of("state")] == ["active", "stopping"]
    assert all(event["v"] == VERSION and event["at"] > 0 for event in seat.told)


@on_virtual_time
async def test_what_an_interruption_cut_off_is_told_apart_from_what_was_said() -> None:
    async with talk(PERSONA, [STORY, "Yes?"]) as call, watched(call, Seat()) as seat:
        await call.told()
        await call.caller.speak(1.0, "Wait a moment, please.")
        await seat.until("interruption")
        (cut,) = [each for each in seat.of("turn") if each["interrupted"]]
    assert STORY.startswith(cut["text"].strip()[:20])
    assert cut["unspoken"]
    assert STORY.endswith(cut["unspoken"])
    assert cut["unspoken"] not in cut["text"]


@on_virtual_time
async def test_a_tool_is_told_when_it_begins_and_when_it_is_done() -> None:
    digits = {"type": "collect_digits", "name": "order", "description": "The order's number."}
    seat = Seat()
    scene = ToolScene(
        [digits | {"max_digits": 4, "min_digits": 4}], [use("order", "Your order, please.")]
    )
    async with scene, shown(seat, scene.session, {}):
        scene.session.generate_reply(user_input="Where is my order?")
        began = await seat.until("tool")
        await asyncio.sleep(2)
        scene.telephone.keys("4929")
        done = await seat.until("tool", 2)
    assert (began["name"], began["state"], began["seconds"]) == ("order", "started", None)
    assert (done["id"], done["name"], done["state"]) == (began["id"], "order", "done")
    assert done["seconds"] >= 2.0
    assert "4929" not in str(seat.told)


@on_virtual_time
async def test_nothing_is_sent_into_a_room_without_a_browser() -> None:
    async with talk(PERSONA, ["We open at nine."]) as call, watched(call, Seat([])) as seat:
        await call.caller.speak(1.0, ASKED, interims=[(0.4, ASKED)])
        await call.until_said("We open at nine.")
    assert seat.told == []


@on_virtual_time
async def test_a_browser_that_takes_nothing_holds_up_neither_the_talk_nor_its_end() -> None:
    replies = ["We open at nine."]
    for seat in (Seat(slow=True), Seat(broken=True)):
        async with talk(PERSONA, replies) as call, watched(call, seat):
            await call.caller.speak(1.0, ASKED, interims=[(0.4, ASKED)])
            await call.until_said("We open at nine.")
        assert seat.told == []


@on_virtual_time
async def test_more_than_may_wait_is_dropped_and_a_long_text_is_cut() -> None:
    async with talk(PERSONA, ["Word " * LONGEST]) as call:
        seat = Seat()
        show = Show(seat, call.session, Memory().unspoken, clock=lambda: 1000.0)
        for _ in range(WAITING + 5):
            show.entered(CallState.ACTIVE)
        sending = asyncio.create_task(show.run())
        await show.flush()
        assert len(seat.told) == WAITING
        assert seat.told[0] == {"v": VERSION, "kind": "state", "at": 1000.0, "state": "active"}
        sending.cancel()

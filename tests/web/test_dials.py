"""Calls that are placed over HTTP: what is taken, what is refused, and what becomes of it."""

from datetime import timedelta
from typing import Any

import pytest

from agent.call import Outcome
from sip.line import Line
from sip.outbound.queue import Queue
from sip.outbound.result import Result
from tests.web.rig import CALLER, LINE, OURS, Rig, now
from web.server.keys import Scope

WISH = {"to": CALLER, "persona": "clerk"}


@pytest.fixture
def placing(rig: Rig) -> Rig:
    rig.line = Line.model_validate(LINE)
    return rig


async def test_a_call_goes_into_the_queue_and_out_of_it(placing: Rig) -> None:
    wish = WISH | {"vars": {"shop": "Cafe"}}
    status, dial = await placing.ask("POST", "/v1/calls", Scope.CALLS_WRITE, json=wish)
    assert (status, dial["state"], dial["to"], dial["from"]) == (202, "waiting", "…42", "…00")
    taken = Queue(placing.engine, "dialler").claim(now(), timedelta(0))
    assert taken is not None
    assert (taken.id, taken.order.to, taken.order.vars) == (dial["id"], CALLER, {"shop": "Cafe"})
    path = f"/v1/dials/{dial['id']}"
    status, shown = await placing.get(path, Scope.CALLS_READ, Scope.CALLS_NUMBERS)
    assert (status, shown["state"], shown["from"]) == (200, "dialling", OURS)
    assert await placing.ask("DELETE", path, Scope.CALLS_WRITE) == (204, None)
    status, said = await placing.ask("DELETE", path)
    assert (status, said["error"]["code"]) == (409, "dial_is_over")


async def test_what_came_of_it_is_shown_without_its_numbers(placing: Rig) -> None:
    _, dial = await placing.ask("POST", "/v1/calls", json=WISH)
    queue = Queue(placing.engine, "dialler")
    assert queue.claim(now(), timedelta(0))
    queue.finish(dial["id"], Result(Outcome.BUSY, 486, f"486 to {CALLER}"))
    _, shown = await placing.get(f"/v1/dials/{dial['id']}", Scope.CALLS_READ)
    assert (shown["outcome"], shown["sip_code"]) == ("busy", 486)
    assert shown["words"] == "486 to [number]"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"to": "911"}, "refused_emergency"),
    ({"to": "+19005550100"}, "refused_premium_rate"),
    ({"to": "+442079460000"}, "refused_country"),
    ({"to": "hello"}, "refused_format"),
    ({"from": "+12025550199"}, "refused_caller_id"),
    ({"persona": "nobody"}, "wrong_persona"),
    ({"vars": {"colour": "red", "Bad name": "x"}}, "wrong_persona"),
    ({"persona": "../clerk"}, "invalid"),
    ({"surprise": 1}, "invalid"),
    ({"due_at": "tomorrow"}, "invalid"),
]


async def test_what_may_not_be_dialled_is_refused_and_leaves_nothing(placing: Rig) -> None:
    for change, code in REFUSED:
        status, said = await placing.ask("POST", "/v1/calls", json=WISH | change)
        assert (status, said["error"]["code"]) == (422, code), change
    assert Queue(placing.engine, "dialler").claim(now() + timedelta(days=9), timedelta(0)) is None


async def test_outside_the_calling_hours_it_waits_for_them(rig: Rig) -> None:
    opens = now() + timedelta(hours=3)
    hours = {"opens": f"{opens:%H:00}", "closes": f"{opens + timedelta(hours=1):%H:00}"}
    outbound = LINE["outbound"] | {"hours": hours | {"days": "mon-sun"}}
    rig.line = Line.model_validate(LINE | {"outbound": outbound})
    status, dial = await rig.ask("POST", "/v1/calls", json=WISH)
    assert status == 202
    assert dial["due_at"] == f"{opens:%Y-%m-%dT%H}:00:00Z"


async def test_without_a_line_nobody_is_called(rig: Rig) -> None:
    for line in (None, Line.model_validate({k: v for k, v in LINE.items() if k != "outbound"})):
        rig.line = line
        status, said = await rig.ask("POST", "/v1/calls", json=WISH)
        assert (status, said["error"]["code"]) == (422, "no_line")


async def test_a_dial_that_nobody_knows(rig: Rig) -> None:
    for method in ("GET", "DELETE"):
        status, said = await rig.ask(method, "/v1/dials/dial-0123456789ab")
        assert (status, said["error"]["code"]) == (404, "no_such_dial")


async def test_personas_are_shown_and_one_that_cannot_be_used_says_why(rig: Rig) -> None:
    (rig.folder / "personas" / "broken.yaml").write_text("name: broken\n")
    _, said = await rig.get("/v1/personas", Scope.PERSONAS_READ)
    broken, clerk = said["personas"]
    assert "broken.yaml" in broken["problem"]
    assert (clerk["name"], clerk["problem"]) == ("clerk", None)
    _, shown = await rig.get("/v1/personas/clerk", Scope.PERSONAS_READ)
    assert (shown["greeting"], shown["variables"]) == ("Hello.", {"shop": "Bakery"})
    assert (await rig.get("/v1/personas/broken"))[0] == 409
    assert (await rig.get("/v1/personas/nobody"))[0] == 404

"""What came of the calls, by day, and what the engines say of their load."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import web
from pydantic import SecretStr

from ledger.tables import EventRow, TurnRow
from tests.fakes.http import listening
from tests.ledger.rows import turn_values
from tests.web.rig import Rig, now, serving
from web.server.engines import Engine, EngineLoad, HttpEngines
from web.server.keys import Scope
from web.server.remembered import FRESH, Remembered

LATE = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
"""Already the next day in Berlin."""


async def overview(rig: Rig, query: str) -> dict[str, Any]:
    status, said = await rig.get(f"/v1/overview?{query}", Scope.CALLS_READ)
    assert status == 200, said
    found: dict[str, Any] = said
    return found


async def test_calls_are_counted_on_the_day_that_it_was_where_the_reader_is(rig: Rig) -> None:
    rig.call(started_at=LATE, outcome="answered")
    rig.call("c2", started_at=LATE, outcome="busy")
    rig.call("test", started_at=LATE, test=True)
    rig.write(EventRow, call_id="c1", at=LATE, kind="interruption", details={})
    took = {"e2e_latency": 0.6}
    rig.write(TurnRow, **turn_values(role="assistant", latencies=took))
    there = await overview(rig, "from=2026-03-01&to=2026-03-02&zone=Europe/Berlin")
    assert [(day["day"], day["calls"]) for day in there["days"]] == [
        ("2026-03-01", 0),
        ("2026-03-02", 2),
    ]
    (here,) = (await overview(rig, "from=2026-03-01&to=2026-03-01"))["days"]
    assert (here["calls"], here["over"], here["answered"], here["answer_rate"]) == (2, 2, 1, 0.5)
    assert (here["interruptions"], here["latency"]["whole"]) == (1, {"p50": 0.6, "p95": 0.6})
    tested = await overview(rig, "from=2026-03-01&to=2026-03-01&tests=true")
    assert tested["total"]["calls"] == 3


async def test_today_stands_beside_whatever_days_are_asked_for(rig: Rig) -> None:
    rig.call()
    found = await overview(rig, "from=2026-03-01&to=2026-03-02")
    assert (found["today"]["calls"], found["total"]["calls"]) == (1, 0)
    usual = await overview(rig, "")
    assert (len(usual["days"]), usual["days"][-1]["day"]) == (14, str(now().date()))
    assert usual["engines"] == []


async def test_days_that_are_over_are_read_once_and_again_when_that_is_old(rig: Rig) -> None:
    days, late = Remembered(), LATE + timedelta(days=2)

    def calls(at: datetime, until: datetime = LATE + timedelta(hours=1)) -> int:
        since = LATE - timedelta(hours=1)
        return days.figures(rig.engine, since, until, tests=False, now=at).calls

    rig.call(started_at=LATE)
    assert (calls(late), calls(LATE)) == (1, 1)
    rig.call("c2", started_at=LATE)
    assert calls(late) == 1
    assert calls(late, LATE + timedelta(hours=2)) == 2
    assert calls(late + FRESH) == 2
    fresh = Remembered()
    assert fresh.figures(rig.engine, LATE, late, tests=False, now=late).calls == 2
    rig.call("c3", started_at=LATE)
    assert fresh.figures(rig.engine, LATE, late, tests=False, now=late).calls == 3


async def test_a_wrong_span_or_zone_is_named(rig: Rig) -> None:
    for query, where in {
        "from=2026-03-02&to=2026-03-01": "from",
        "from=2020-03-02&to=2026-03-01": "from",
        "from=0001-01-01&to=0001-01-02": "from",
        "to=9999-12-31": "from",
        "zone=Mars/Olympus": "zone",
        "zone=../../etc/passwd": "zone",
        "from=yesterday": "from",
        "from=0": "from",
    }.items():
        status, said = await rig.get(f"/v1/overview?{query}")
        assert (status, said["error"]["code"]) == (422, "invalid"), query
        assert where in said["error"]["message"]


KEY = SecretStr("0123456789abcdef")
VLLM = """# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="gemma"} 3.0
vllm:num_requests_waiting{engine="0",model_name="gemma"} 2.0
"""


@asynccontextmanager
async def parts() -> AsyncIterator[str]:
    """What answers for a voice, ears that are full, a worker and a mind; its URL."""
    ready = {"ready": True, "model": "csm", "held": 1, "room": 7}
    full = {"ready": False, "model": "whisper", "held": 8, "room": 0, "reason": "stopping"}

    def told(body: Any, status: int = 200, *, key: bool = False) -> Any:
        async def answer(request: web.Request) -> web.Response:
            if key and request.headers.get("Authorization") != f"Bearer {KEY.get_secret_value()}":
                return web.Response(status=401)
            if isinstance(body, str):
                return web.Response(text=body)
            return web.json_response(body, status=status)

        return answer

    app = web.Application()
    app.router.add_get("/voice/ready", told(ready))
    app.router.add_get("/ears/ready", told(full, 503))
    app.router.add_get("/worker/calls", told({"active": 2, "limit": 8}, key=True))
    app.router.add_get("/mind/v1/models", told({"data": [{"id": "gemma"}]}, key=True))
    app.router.add_get("/mind/metrics", told(VLLM))
    app.router.add_get("/plain/v1/models", told({"data": [{"id": "a"}, {"id": "b"}]}))
    app.router.add_get("/strange/ready", told("hello"))
    async with listening(app) as url:
        yield url


async def test_engines_say_what_they_hold_and_one_that_is_silent_is_said_to_be(
    tmp_path: Path,
) -> None:
    async with parts() as url:
        asked = HttpEngines(
            (
                Engine("voice", f"{url}/voice/"),
                Engine("ears", f"{url}/ears"),
                Engine("worker", f"{url}/worker", "worker", KEY),
                Engine("mind", f"{url}/mind/v1", "mind", KEY),
                Engine("plain", f"{url}/plain/v1", "mind"),
                Engine("strange", f"{url}/strange"),
                Engine("locked", f"{url}/worker", "worker"),
                Engine("gone", "http://127.0.0.1:1"),
            )
        )
        async with serving(tmp_path, engines=asked) as rig:
            found = [EngineLoad(**each) for each in (await overview(rig, ""))["engines"]]
    shown = {each.name: (each.state, each.held, each.room, each.model) for each in found}
    assert shown == {
        "voice": ("ready", 1, 7, "csm"),
        "ears": ("full", 8, 0, "whisper"),
        "worker": ("ready", 2, 6, None),
        "mind": ("full", 3, None, "gemma"),
        "plain": ("ready", None, None, None),
        "strange": ("absent", None, None, None),
        "locked": ("absent", None, None, None),
        "gone": ("absent", None, None, None),
    }
    about = {each.name: each.about for each in found}
    assert (about["ears"], about["mind"]) == ("stopping", "2 requests wait")

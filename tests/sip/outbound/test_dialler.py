"""The dialler on a real queue and virtual time; who rings is a fake."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncGenerator, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, insert

from agent.call import Outcome
from ledger.database import open_ledger
from ledger.tables import CallRow
from parley.rehearse.clock import run
from sip.line import Line
from sip.outbound.dialler import Dialler
from sip.outbound.hours import NoZoneError
from sip.outbound.place import Placement, Ringing
from sip.outbound.queue import Dial, Order, Queue, State
from sip.outbound.result import ANSWERED, Result, of_sip
from tests.fakes.exchange import FakeExchange
from tests.ledger.rows import call_values

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday: what the clock says when a test begins."""

ORDER = Order("+12025550123", "+12025550199", "receptionist", {"name": "Ada"})
BUSY = of_sip(486, "Busy Here")
NO_WORKER = Result(Outcome.FAILED, None, "no worker took the call", placed=False)

MONEY = {"money_per_day": 2.0}

Test = Callable[["Stage"], Coroutine[None, None, None]]


def line(**outbound: object) -> Line:
    return Line.model_validate(
        {
            "public_host": "sip.example.org",
            "domain": "example",
            "numbers": [{"number": ORDER.from_, "persona": "receptionist"}],
            "outbound": {"retry_after_seconds": 5} | outbound,
        }
    )


class Stage:
    """A queue, and a clock that begins at `NOON`."""

    def __init__(self, folder: Path) -> None:
        self._url = f"sqlite:///{folder / 'ledger.db'}"
        self.engine: Engine = open_ledger(self._url)
        self.queue = Queue(self.engine, "dialler")
        self.began = asyncio.get_running_loop().time()

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds(asyncio.get_running_loop().time()))

    def seconds(self, moment: float) -> float:
        return moment - self.began

    def add(self, **changes: object) -> str:
        return self.queue.add(Order(**vars(ORDER) | changes), self.now())

    def dial(self, dial_id: str) -> Dial:
        dial = self.queue.get(dial_id)
        assert dial is not None
        return dial

    def dialler(self, exchange: FakeExchange, name: str = "dialler", **outbound: object) -> Dialler:
        return Dialler(line(**outbound), Queue(self.engine, name), exchange, self.now)

    @contextlib.asynccontextmanager
    async def dialling(
        self, exchange: FakeExchange, name: str = "dialler", **outbound: object
    ) -> AsyncGenerator[asyncio.Task[None]]:
        running = asyncio.create_task(self.dialler(exchange, name, **outbound).run())
        try:
            yield running
        finally:
            running.cancel()
            await asyncio.wait({running})
            if not running.cancelled():
                running.result()

    def rung(self, exchange: FakeExchange) -> list[float]:
        """The seconds at which telephones began to ring."""
        return [round(self.seconds(at), 1) for at, _ in exchange.rung]


@pytest.fixture
def on_stage(tmp_path: Path) -> Callable[[Test], None]:
    async def play(test: Test) -> None:
        stage = Stage(tmp_path)
        try:
            await test(stage)
        finally:
            stage.engine.dispose()

    return lambda test: run(play(test))


OnStage = Callable[[Test], None]


def test_a_call_is_placed_as_it_was_asked_for(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange()
        dial_id = stage.add()
        async with stage.dialling(exchange, ringing_seconds=20, max_call_seconds=600):
            await asyncio.sleep(10)
        ((_, call),) = exchange.rung
        assert (call.to, call.from_, call.ringing, call.max_seconds) == (
            *(ORDER.to, ORDER.from_),
            *(20, 600),
        )
        asked = call.request
        assert (asked.direction, asked.persona, asked.vars) == (
            *("outbound", "receptionist"),
            {"name": "Ada"},
        )
        assert (asked.to, asked.from_, asked.call_id) == (ORDER.to, ORDER.from_, call.call_id)
        assert call.call_id.startswith("call-")
        assert ORDER.to.removeprefix("+") not in call.call_id
        dial = stage.dial(dial_id)
        assert (dial.state, dial.outcome, dial.call_id) == (
            *(State.DONE, Outcome.ANSWERED),
            call.call_id,
        )
        assert exchange.removed == [], "the call goes on without its dialler"

    on_stage(test)


def test_without_money_nobody_is_called_until_midnight(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange()
        row = call_values("dear", answered_at=NOON, ended_at=NOON, cost=3.0)
        with stage.engine.begin() as connection:
            connection.execute(insert(CallRow).values(**row))
        dial_id = stage.add()
        poor = Line.model_validate(line().model_dump(by_alias=True) | {"admission": MONEY})
        running = asyncio.create_task(Dialler(poor, stage.queue, exchange, stage.now).run())
        await asyncio.sleep(10)
        assert stage.dial(dial_id).state is State.WAITING
        running.cancel()
        await asyncio.wait({running})
        held = stage.queue.add(ORDER, stage.now(), held=True)
        refused = await Dialler(poor, stage.queue, exchange, stage.now).run_held(held)
        assert refused is not None
        assert (refused.state, refused.outcome) == (State.DONE, Outcome.FAILED)
        assert "money" in (refused.words or "")
        assert exchange.rung == []

    on_stage(test)


def test_calls_are_placed_at_the_lines_pace(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange()
        for _ in range(4):
            stage.add()
        async with stage.dialling(exchange, calls_per_second=0.5):
            await asyncio.sleep(20)
        assert stage.rung(exchange) == [0.5, 2.5, 4.5, 6.5]

    on_stage(test)


def test_two_diallers_call_each_once_at_one_pace(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange()
        ids = {stage.add() for _ in range(6)}
        async with stage.dialling(exchange, "first"), stage.dialling(exchange, "second"):
            await asyncio.sleep(20)
        assert len(exchange.rung) == 6
        rung = stage.rung(exchange)
        assert min(after - at for at, after in itertools.pairwise(rung)) >= 1
        assert {stage.dial(each).outcome for each in ids} == {Outcome.ANSWERED}

    on_stage(test)


def test_who_is_busy_is_called_again_as_often_as_the_line_says(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange([BUSY] * 9)
        dial_id = stage.add()
        async with stage.dialling(exchange, attempts=3):
            await asyncio.sleep(4)
            waiting = stage.dial(dial_id)
            assert (waiting.state, waiting.outcome) == (State.WAITING, Outcome.BUSY)
            await asyncio.sleep(26)
        assert stage.rung(exchange) == pytest.approx([0.5, 8.0, 16.0], abs=2)
        assert len({call.call_id for _, call in exchange.rung}) == 3
        dial = stage.dial(dial_id)
        assert (dial.state, dial.sip_code, dial.words) == (
            *(State.DONE, 486),
            "486 Busy Here",
        )

    on_stage(test)


def test_who_declines_is_not_called_again(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange([of_sip(603, "Decline")])
        dial_id = stage.add()
        async with stage.dialling(exchange):
            await asyncio.sleep(15)
        assert len(exchange.rung) == 1
        assert stage.dial(dial_id).outcome is Outcome.DECLINED

    on_stage(test)


def test_without_a_worker_nobody_is_rung_and_it_is_tried_again(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange([NO_WORKER])
        dial_id = stage.add()
        async with stage.dialling(exchange):
            await asyncio.sleep(3)
            assert exchange.rung == []
            assert stage.dial(dial_id).words == "no worker took the call"
            await asyncio.sleep(10)
        assert stage.dial(dial_id).outcome is Outcome.ANSWERED

    on_stage(test)


def test_nobody_is_called_outside_the_hours_nor_tried_again_then(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange([BUSY], rings=57)
        hours = {"opens": "11:00", "closes": "12:01"}
        dial_id = stage.add()
        async with stage.dialling(exchange, hours=hours):
            await asyncio.sleep(58)
            assert stage.dial(dial_id).due_at == NOON.replace(day=3, hour=11)
            late = stage.add(due_at=NOON + timedelta(seconds=62))
            await asyncio.sleep(10)
            assert stage.dial(late).state is State.WAITING
        assert len(exchange.rung) == 1

    on_stage(test)


def test_who_asked_not_to_be_called_meanwhile_is_not(on_stage: OnStage, tmp_path: Path) -> None:
    async def test(stage: Stage) -> None:
        listed = tmp_path / "do-not-call.txt"
        listed.write_text("")
        exchange = FakeExchange([BUSY])
        dial_id = stage.add()
        async with stage.dialling(exchange, do_not_call=listed):
            await asyncio.sleep(4)
            listed.write_text(f"{ORDER.to}\n")
            await asyncio.sleep(10)
        assert len(exchange.rung) == 1
        dial = stage.dial(dial_id)
        assert dial.state is State.DONE
        assert "asked not to be called" in (dial.words or "")

    on_stage(test)


def test_with_a_list_that_cannot_be_read_nobody_is_called(
    on_stage: OnStage, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test(stage: Stage) -> None:
        listed = tmp_path / "do-not-call.txt"
        exchange = FakeExchange()
        stage.add()
        async with stage.dialling(exchange, do_not_call=listed):
            await asyncio.sleep(20)
            assert exchange.rung == []
            listed.touch()
            await asyncio.sleep(20)
        assert len(exchange.rung) == 1

    on_stage(test)
    assert "nobody is called" in caplog.text


def test_a_cancelled_call_stops_ringing(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange(rings=30)
        dial_id = stage.add()
        async with stage.dialling(exchange):
            await asyncio.sleep(5)
            assert Queue(stage.engine, "somebody else").cancel(dial_id)
            await asyncio.sleep(2)
            ((_, call),) = exchange.rung
            assert exchange.removed == [call.call_id]
            exchange.rings = 1
            other = stage.add()
            await asyncio.sleep(4)
            assert stage.dial(other).outcome is Outcome.ANSWERED
        assert stage.dial(dial_id).state is State.CANCELLED

    on_stage(test)


def test_one_cancelled_before_it_rings_does_not_ring(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange()
        dial_id = stage.add()
        async with stage.dialling(exchange):
            await asyncio.sleep(0.3)
            assert stage.queue.cancel(dial_id)
            await asyncio.sleep(10)
        assert exchange.rung == []

    on_stage(test)


def test_one_cancelled_in_the_moment_of_the_answer_is_hung_up(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        dial_id = stage.add()

        class Answers(FakeExchange):
            async def place(self, call: Placement, ringing: Ringing) -> Result:
                result = await super().place(call, ringing)
                assert stage.queue.cancel(dial_id)
                return result

        exchange = Answers()
        async with stage.dialling(exchange):
            await asyncio.sleep(5)
        ((_, call),) = exchange.rung
        assert exchange.removed == [call.call_id]
        assert stage.dial(dial_id).state is State.CANCELLED

    on_stage(test)


def test_a_dialler_that_is_stopped_hangs_up_and_leaves_it_to_the_next_run(
    on_stage: OnStage,
) -> None:
    async def test(stage: Stage) -> None:
        exchange = FakeExchange(rings=30)
        dial_id = stage.add()
        async with stage.dialling(exchange):
            await asyncio.sleep(5)
        ((_, call),) = exchange.rung
        assert exchange.removed == [call.call_id]
        dial = stage.dial(dial_id)
        assert (dial.state, dial.words) == (State.WAITING, "Parley was stopped while it rang")
        exchange.rings = 1
        async with stage.dialling(exchange, "the next run"):
            await asyncio.sleep(10)
        assert stage.dial(dial_id).outcome is Outcome.ANSWERED

    on_stage(test)


@pytest.mark.parametrize("ended", ["ringing", "talking", "over"])
def test_a_call_whose_dialler_died_is_not_placed_again(on_stage: OnStage, ended: str) -> None:
    async def test(stage: Stage) -> None:
        dial_id, dead = stage.add(), Queue(stage.engine, "dead")
        assert dead.claim(stage.now(), timedelta(seconds=1))
        assert dead.placing(dial_id, "call-left")
        exchange = FakeExchange(answered={"call-left"} if ended == "talking" else set())
        async with stage.dialling(exchange):
            await asyncio.sleep(3)
            assert stage.dial(dial_id).state is State.DIALLING, "it may ring, somewhere"
        if ended == "over":
            with stage.engine.begin() as connection:
                connection.execute(
                    insert(CallRow).values(**call_values("call-left", answered_at=NOON))
                )
        await asyncio.sleep(120)
        async with stage.dialling(exchange):
            await asyncio.sleep(3)
        assert exchange.rung == []
        dial = stage.dial(dial_id)
        assert dial.state is State.DONE
        assert dial.outcome is (Outcome.FAILED if ended == "ringing" else Outcome.ANSWERED)
        assert exchange.removed == (["call-left"] if ended == "ringing" else [])

    on_stage(test)


def test_a_livekit_that_is_away_leaves_a_dead_diallers_call_for_later(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        dial_id, dead = stage.add(), Queue(stage.engine, "dead")
        assert dead.claim(stage.now(), timedelta(seconds=1))
        assert dead.placing(dial_id, "call-left")
        await asyncio.sleep(120)

        class Away(FakeExchange):
            async def is_answered(self, call_id: str) -> bool:
                raise TimeoutError

        async with stage.dialling(Away()):
            await asyncio.sleep(3)
        assert stage.dial(dial_id).state is State.DIALLING
        await asyncio.sleep(120)
        async with stage.dialling(FakeExchange()):
            await asyncio.sleep(3)
        assert stage.dial(dial_id).outcome is Outcome.FAILED

    on_stage(test)


def test_a_call_whose_dialler_died_before_it_rang_is_placed(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        dial_id = stage.add()
        assert Queue(stage.engine, "dead").claim(stage.now(), timedelta(seconds=1))
        await asyncio.sleep(180)
        exchange = FakeExchange()
        async with stage.dialling(exchange):
            await asyncio.sleep(5)
        assert len(exchange.rung) == 1
        assert stage.dial(dial_id).outcome is Outcome.ANSWERED

    on_stage(test)


@pytest.mark.parametrize("result", [ANSWERED, BUSY, NO_WORKER])
def test_a_held_call_has_one_attempt(on_stage: OnStage, result: Result) -> None:
    async def test(stage: Stage) -> None:
        dial_id = stage.queue.add(ORDER, stage.now(), held=True)
        exchange = FakeExchange([result])
        dial = await stage.dialler(exchange).run_held(dial_id)
        assert dial is not None
        assert (dial.state, dial.outcome, dial.words) == (
            *(State.DONE, result.outcome),
            result.words,
        )
        assert len(exchange.rung) == (1 if result.placed else 0)

    on_stage(test)


def test_a_held_call_that_is_given_up_is_cancelled_and_hung_up(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        dial_id = stage.queue.add(ORDER, stage.now(), held=True)
        exchange = FakeExchange(rings=30)
        calling = asyncio.create_task(stage.dialler(exchange).run_held(dial_id))
        await asyncio.sleep(5)
        calling.cancel()
        await asyncio.wait({calling})
        assert calling.cancelled()
        ((_, call),) = exchange.rung
        assert exchange.removed == [call.call_id]
        assert stage.dial(dial_id).state is State.CANCELLED

    on_stage(test)


def test_a_held_call_that_is_given_up_in_the_moment_of_the_answer_is_answered(
    on_stage: OnStage,
) -> None:
    async def test(stage: Stage) -> None:
        dial_id = stage.queue.add(ORDER, stage.now(), held=True)

        class Answers(FakeExchange):
            async def place(self, call: Placement, ringing: Ringing) -> Result:
                result = await super().place(call, ringing)
                calling.cancel()
                return result

        calling = asyncio.create_task(stage.dialler(Answers()).run_held(dial_id))
        dial = await calling
        assert dial is not None
        assert dial.outcome is Outcome.ANSWERED

    on_stage(test)


def test_a_line_whose_hours_are_nowhere_has_no_dialler(on_stage: OnStage) -> None:
    async def test(stage: Stage) -> None:
        with pytest.raises(NoZoneError):
            stage.dialler(FakeExchange(), hours={"timezone": "Mars/Base"})

    on_stage(test)

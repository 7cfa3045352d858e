"""The desk reads its policy for each call, and counts in the ledger."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, inspect, update
from sqlalchemy.orm import Session

from agent.admission import Admission, Refused
from agent.admission.desk import Desk, read_admission
from agent.yaml_file import BadFileError
from ledger.counts import Asked
from ledger.database import open_ledger
from ledger.tables import CallRow
from tests.ledger.rows import START, call_row, call_values

NOW = START + timedelta(seconds=10)
ME = Asked("me", NOW, "clerk", "+15550199999")
YOU = Asked("you", NOW + timedelta(seconds=1), "clerk", "+15550199998")
QUEUE = Admission.model_validate({"max_calls": 1, "when_full": {"do": "queue", "max_length": 2}})


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """Of a ledger in which one call goes on, and two have come that nobody has decided on."""
    opened = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    with Session(opened) as session, session.begin():
        session.add(CallRow(**call_values(answered_at=START, seen_at=NOW)))
        for asked in (ME, YOU):
            row = call_values(asked.id, started_at=asked.started_at, seen_at=NOW)
            session.add(CallRow(**row))
    yield opened
    opened.dispose()


@pytest.fixture
def ledger(engine: Engine) -> SecretStr:
    return SecretStr(engine.url.render_as_string())


@pytest.fixture
def desk(tmp_path: Path, ledger: SecretStr) -> Iterator[Desk]:
    with closing(Desk(tmp_path / "sip.yaml", ledger, patience=60.0)) as desk:
        desk.open()
        yield desk


def line(folder: Path, text: str) -> Path:
    file = folder / "sip.yaml"
    file.write_text(text)
    return file


async def test_a_change_of_the_file_holds_for_the_next_call(tmp_path: Path, desk: Desk) -> None:
    assert desk.policy() == Admission()
    line(tmp_path, "admission: {max_calls: 2}")
    assert await desk.ask(desk.policy(), ME, NOW) is None
    line(tmp_path, "admission: {max_calls: 1}")
    assert await desk.ask(desk.policy(), ME, NOW) == Refused("full")


@pytest.mark.parametrize("there", [False, True])
async def test_who_cannot_be_counted_is_let_in(tmp_path: Path, *, there: bool) -> None:
    (tmp_path / "file").touch()
    nowhere = SecretStr(f"sqlite:///{tmp_path}/file/ledger.db")
    desk = Desk(tmp_path / "sip.yaml", nowhere if there else None)
    assert await desk.ask(Admission(max_calls=0), ME, NOW) == Refused("full")
    assert await desk.ask(Admission(max_calls=1), ME, NOW) is None


def test_a_ledger_is_made_ready_before_a_call_needs_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.db"
    with closing(Desk(None, SecretStr(url))) as desk:
        desk.open()
        made = create_engine(url)
        assert "calls" in inspect(made).get_table_names()
        made.dispose()


def test_a_ledger_that_cannot_be_used_is_said_and_calls_are_taken(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Desk(None, SecretStr(f"sqlite:///{tmp_path}")).open()
    assert caplog.records[0].getMessage() == "the ledger cannot be used now"
    assert "Is a directory" in vars(caplog.records[0])["reason"]


async def test_a_call_that_goes_on_is_nobody_elses(desk: Desk, engine: Engine) -> None:
    room = call_values()["room"]
    assert await desk.is_held(room, NOW)
    assert not await desk.is_held("call-another", NOW)
    assert not await desk.is_held(room, NOW + timedelta(minutes=1)), "its worker is dead"
    with Session(engine) as session, session.begin():
        session.execute(update(CallRow).values(ended_at=NOW))
    assert not await desk.is_held(room, NOW), "it is over"


async def test_a_call_without_a_ledger_is_taken(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    nowhere = SecretStr(f"sqlite:///{tmp_path}/file/ledger.db")
    for ledger in (None, nowhere):
        with closing(Desk(None, ledger)) as desk:
            assert not await desk.is_held("call-1", NOW)


async def test_what_needs_no_count_is_decided_without_a_ledger(tmp_path: Path) -> None:
    desk = Desk(None, None)
    policy = Admission.model_validate({"denied_callers": ["+1555"]})
    assert await desk.ask(policy, ME, NOW) == Refused("the caller is denied")


def test_a_policy_that_cannot_be_read_refuses_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = line(tmp_path, "domain: x\nadmission:\n  max_calls: 3\n  max_cals: 1\n")
    with pytest.raises(BadFileError, match=r"sip.yaml:4: max_cals"):
        read_admission(file)
    assert Desk(file, None).policy() == Admission()
    assert "nobody is refused" in caplog.text


def test_what_the_mind_serves_at_once_is_a_bound_too(tmp_path: Path) -> None:
    line(tmp_path, "admission: {max_calls: 8}")
    assert Desk(tmp_path / "sip.yaml", None, mind_calls=3).policy().max_calls == 3
    assert Desk(tmp_path / "sip.yaml", None, mind_calls=12).policy().max_calls == 8
    assert Desk(None, None).policy() == Admission()


async def test_who_waits_has_the_place_of_the_one_who_leaves(desk: Desk, engine: Engine) -> None:
    refused = await desk.ask(QUEUE, ME, NOW)
    assert refused is not None
    assert (refused.reason, refused.position) == ("full", 1)
    assert call_row(engine, "me").place == "waiting"
    refused = await desk.ask(QUEUE, YOU, NOW)
    assert refused is not None
    assert refused.position == 2
    assert [await desk.turn(QUEUE, each, NOW) for each in (YOU, ME)] == [2, 1]
    ended(engine, "c1")
    assert [await desk.turn(QUEUE, each, NOW) for each in (YOU, ME, YOU)] == [2, 0, 1]
    assert [call_row(engine, each).place for each in ("me", "you")] == ["held", "waiting"]


async def test_a_place_in_the_queue_outlives_the_worker_of_the_one_before(
    desk: Desk, engine: Engine
) -> None:
    await desk.ask(QUEUE, ME, NOW)
    later = NOW + timedelta(seconds=20)
    ended(engine, "c1")
    assert await desk.turn(QUEUE, YOU, later) == 0


async def test_a_place_that_is_given_back_is_for_the_same_caller(
    desk: Desk, engine: Engine
) -> None:
    ended(engine, "c1")
    assert await desk.ask(QUEUE, ME, NOW) is None
    await desk.put(ME, "waiting", NOW)
    assert [await desk.turn(QUEUE, each, NOW) for each in (YOU, ME)] == [2, 0]


async def test_who_is_refused_takes_nobodys_place(desk: Desk, engine: Engine) -> None:
    assert await desk.ask(Admission(max_calls=1), ME, NOW) == Refused("full")
    ended(engine, "c1")
    assert await desk.ask(Admission(max_calls=1), YOU, NOW) is None


@pytest.mark.parametrize(("mode", "hands_over"), [("trunk", True), ("twiml", False)])
def test_in_mode_twiml_nobody_can_be_handed_over(
    tmp_path: Path, mode: str, *, hands_over: bool
) -> None:
    assert Desk(line(tmp_path, f"mode: {mode}"), None).hands_over() == hands_over


def test_without_prices_nothing_has_a_cost(tmp_path: Path) -> None:
    assert Desk(None, None).cost(60.0, []) is None
    priced = Desk(line(tmp_path, "admission: {prices: {line_minute: 0.5}}"), None)
    assert priced.cost(90.0, []) == pytest.approx(0.75)


def ended(engine: Engine, call_id: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(CallRow).where(CallRow.id == call_id).values(ended_at=NOW))

"""Callers at the reception, on a real ledger; their room, and what sounds in it, are fakes."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from livekit import rtc
from pydantic import SecretStr
from sqlalchemy import Engine, insert, update

from agent.admission.desk import Desk
from agent.call import Call, CallRequest, Outcome
from agent.config import EarsSettings, Settings, VoiceSettings
from agent.line import Line
from agent.reception import Reception, reserved
from agent.record import CallRecord
from ledger.database import open_ledger
from ledger.tables import CallRow
from ledger.writer import Writer
from parley.rehearse.clock import run
from parley_serving import build_app
from tests.ledger.rows import call_row, call_values
from tests.serving.echo import Echo
from tests.serving.running import running

OURS = "ears: {url: 'https://a.example/v1', model: m}\nspeech: {url: 'https://a.example/v1', model: m, voice: v}"
PERSONA = "name: {name}\ninstructions: Be brief.\ngreeting: Hello.\n{more}\n"
ASKED = CallRequest(direction="inbound", persona="clerk", to="+15550100")
WAITS = {"do": "queue", "announcement": "{position}", "goodbye": "Goodbye.", "max_wait_seconds": 60}


PATIENT = 60.0
"""Seconds: what takes long on a machine that is busy decides nothing here."""


class Room(rtc.EventEmitter[str]):
    name = "call-1"

    def __init__(self) -> None:
        super().__init__()
        self.caller = SimpleNamespace(
            identity="sip_1",
            kind=rtc.ParticipantKind.PARTICIPANT_KIND_SIP,
            attributes={"sip.phoneNumber": "+15550142424", "sip.callID": "SCL_1"},
            disconnect_reason=rtc.DisconnectReason.CLIENT_INITIATED,
        )
        self.remote_participants = {"sip_1": self.caller}

    def leave(self) -> None:
        self.emit("participant_disconnected", self.caller)


class Job:
    def __init__(self, room: Room) -> None:
        self.room = room
        self.job = SimpleNamespace(id="AJ_1", room=room)

    async def connect(self) -> None: ...

    async def wait_for_participant(self) -> Any:
        return self.room.caller


class Heard(list[str]):
    """What a caller who waits has heard."""

    async def say(self, text: str) -> None:
        self.append(text)
        await asyncio.sleep(2.0)

    async def music(self) -> None:
        self.append("music")
        await asyncio.Event().wait()


@dataclass
class Scene:
    """One caller comes; `full` says whether somebody is on the line before them."""

    folder: Path
    engine: Engine
    settings: Settings
    room: Room = field(default_factory=Room)
    heard: Heard = field(default_factory=Heard)
    call: Call = field(default_factory=lambda: Call(id="call-1", started_at=0.0))

    def admit(self, *, mode: str = "trunk", **policy: object) -> None:
        text = yaml.safe_dump({"mode": mode, "admission": policy})
        (self.folder / "sip.yaml").write_text(text)

    def other(self) -> None:
        now = datetime.now(UTC)
        row = call_values("other", started_at=now, seen_at=now, place="held")
        with self.engine.begin() as connection:
            connection.execute(insert(CallRow).values(**row))

    def other_leaves(self) -> None:
        ended = update(CallRow).where(CallRow.id == "other").values(ended_at=datetime.now(UTC))
        with self.engine.begin() as connection:
            connection.execute(ended)

    @property
    def row(self) -> CallRow:
        return call_row(self.engine, "SCL_1")

    @asynccontextmanager
    async def reception(self) -> AsyncIterator[Reception]:
        url = self.engine.url.render_as_string()
        job, writer = Job(self.room), Writer(lambda: open_ledger(url))
        record = CallRecord(self.call, writer, room="call-1", key="AJ_1")
        record.asked(ASKED)
        file = self.folder / "sip.yaml"
        with closing(Desk(file, SecretStr(url), patience=PATIENT)) as desk:
            line = Line(job)  # type: ignore[arg-type]  # the surface of a job that is used
            sounds: Any = lambda *_: self.heard  # noqa: E731
            some_job: Any = job
            yield Reception(
                some_job, line, self.call, record, self.settings, desk, PATIENT, sounds, PATIENT
            )
            await asyncio.to_thread(writer.close, 10.0)

    async def let_in(self) -> CallRequest | None:
        async with self.reception() as reception:
            return await reception.let_in(ASKED)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    for name in ("clerk", "machine"):
        (tmp_path / f"{name}.yaml").write_text(PERSONA.format(name=name, more=OURS))
    engine = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    yield Scene(tmp_path, engine, Settings(personas=tmp_path))
    engine.dispose()


def test_without_a_policy_the_call_is_taken_as_it_was_asked_for(scene: Scene) -> None:
    assert run(scene.let_in()) == ASKED
    assert scene.heard == []


def test_who_waits_is_let_in_when_there_is_a_place(scene: Scene) -> None:
    async def waits() -> CallRequest | None:
        asyncio.get_running_loop().call_later(30.0, scene.other_leaves)
        return await scene.let_in()

    scene.other()
    scene.admit(max_calls=1, when_full=WAITS)
    admitted = run(waits())
    assert admitted is not None
    assert (admitted.persona, admitted.from_) == ("clerk", "+15550142424")
    assert scene.heard == ["1", "music"]
    assert (scene.row.place, scene.row.outcome) == ("held", None)
    assert scene.row.answered_at is not None


def test_who_leaves_the_queue_was_not_refused(scene: Scene) -> None:
    async def leaves() -> CallRequest | None:
        asyncio.get_running_loop().call_later(10.0, scene.room.leave)
        return await scene.let_in()

    scene.other()
    scene.admit(max_calls=1, when_full=WAITS)
    assert run(leaves()) is None
    assert (scene.call.end_reason, scene.call.outcome) == ("the caller left the queue", None)


def test_after_the_longest_wait_they_hear_why_and_stand_in_the_ledger(scene: Scene) -> None:
    scene.other()
    scene.admit(max_calls=1, when_full=WAITS)
    assert run(scene.let_in()) is None
    assert scene.heard == ["1", "music", "Goodbye."]
    assert scene.call.outcome is Outcome.REFUSED
    assert (scene.row.outcome, scene.row.end_reason) == (
        "refused",
        "refused: the wait was too long",
    )


def test_after_the_longest_wait_another_persona_may_answer(scene: Scene) -> None:
    scene.other()
    then = {"do": "persona", "persona": "machine"}
    scene.admit(max_calls=1, when_full=WAITS | {"then": then})
    admitted = run(scene.let_in())
    assert admitted is not None
    assert admitted.persona == "machine"
    assert scene.heard == ["1", "music"]
    assert (scene.row.persona, scene.row.place) == ("machine", "none")


def test_in_mode_twiml_the_overflow_number_is_left_to_twilio(scene: Scene) -> None:
    scene.other()
    scene.admit(mode="twiml", max_calls=1, when_full={"do": "transfer", "to": "+15550199"})
    assert run(scene.let_in()) is None
    assert (scene.row.outcome, scene.row.end_reason) == ("refused", "refused: full")


async def test_engines_without_room_refuse_the_call_and_keep_none_for_it(scene: Scene) -> None:
    (scene.folder / "clerk.yaml").write_text(PERSONA.format(name="clerk", more=""))
    ears, voice = Echo(), Echo(limit=1)
    async with running(build_app(ears.service)) as one, running(build_app(voice.service)) as two:
        scene.settings = Settings(
            personas=scene.folder,
            stt=EarsSettings.model_validate({"url": one.url}),
            tts=VoiceSettings.model_validate({"url": two.url}),
        )
        voice.gate.reserve("another", 30.0)
        assert await scene.let_in() is None
        assert scene.call.end_reason == "refused: the engines are full"
        assert (ears.gate.reserved, voice.gate.reserved) == (0, 1)
        assert not await reserved(scene.settings, ASKED, "AJ_2", PATIENT)  # nor one that we place
        voice.gate.release("another")
        assert await scene.let_in() == ASKED
        assert (ears.gate.reserved, voice.gate.reserved) == (1, 1)

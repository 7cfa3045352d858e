"""The line of a job's room, on a fake room."""

from types import SimpleNamespace
from typing import Any

from livekit import api, rtc

from agent.tools.telephone import RoomTelephone


class Room(rtc.EventEmitter[str]):
    def __init__(self) -> None:
        super().__init__()
        self.published: list[tuple[int, str]] = []
        self.local_participant = self

    async def publish_dtmf(self, *, code: int, digit: str) -> None:
        self.published.append((code, digit))


class Sip:
    def __init__(self) -> None:
        self.asked: list[api.TransferSIPParticipantRequest] = []

    async def transfer_sip_participant(
        self, request: api.TransferSIPParticipantRequest
    ) -> api.TransferSIPParticipantResponse:
        self.asked.append(request)
        return api.TransferSIPParticipantResponse()


def line() -> tuple[RoomTelephone, Any]:
    job = SimpleNamespace(
        room=Room(),
        api=SimpleNamespace(sip=Sip()),
        job=SimpleNamespace(room=SimpleNamespace(name="call-1")),
    )
    caller = SimpleNamespace(identity="sip_1")
    return RoomTelephone(job, caller), job  # type: ignore[arg-type]  # what it uses of them


def key(digit: str, identity: str | None) -> Any:
    participant = SimpleNamespace(identity=identity) if identity else None
    return SimpleNamespace(digit=digit, participant=participant)


def test_the_callers_keys_are_heard_and_nobody_elses() -> None:
    telephone, job = line()
    heard: list[str] = []
    telephone.on_key(heard.append)
    job.room.emit("sip_dtmf_received", key("1", "sip_1"))
    job.room.emit("sip_dtmf_received", key("2", "observer"))
    job.room.emit("sip_dtmf_received", key("#", None))
    assert heard == ["1", "#"]


async def test_keys_are_pressed_by_their_codes() -> None:
    telephone, job = line()
    for pressed in "0*#D":
        await telephone.press(pressed)
    assert job.room.published == [(0, "0"), (10, "*"), (11, "#"), (15, "D")]


async def test_the_caller_is_handed_over_out_of_their_room() -> None:
    telephone, job = line()
    await telephone.transfer("+15550100", 20)
    (request,) = job.api.sip.asked
    assert (request.room_name, request.participant_identity) == ("call-1", "sip_1")
    assert request.transfer_to == "tel:+15550100"

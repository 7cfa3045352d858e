"""The calls of the ledger, over HTTP."""

from datetime import timedelta
from typing import Any

from ledger.tables import TurnRow
from tests.ledger.rows import START, turn_values
from tests.web.rig import CALLER, Rig
from web.server.keys import Scope

ENDED: dict[str, Any] = {"ended_at": START, "state": "ended", "outcome": "answered"}


async def test_pages_hold_every_call_once_the_newest_first(rig: Rig) -> None:
    for n in range(7):
        rig.call(f"c{n}", started_at=START + timedelta(seconds=n // 2))
    seen, cursor = [], ""
    while True:
        status, page = await rig.get(f"/v1/calls?limit=3{cursor}", Scope.CALLS_READ)
        assert status == 200
        seen += [call["id"] for call in page["calls"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ["c6", "c4", "c5", "c2", "c3", "c0", "c1"]


async def test_filters_are_the_ledgers(rig: Rig) -> None:
    rig.call("old", started_at=START, outcome="busy")
    rig.call("new", started_at=START + timedelta(days=1), from_number=CALLER)

    async def ids(query: str) -> list[str]:
        _, page = await rig.get(f"/v1/calls?{query}")
        return [call["id"] for call in page["calls"]]

    assert await ids("outcome=busy") == ["old"]
    assert await ids("since=2026-03-03T00:00:00Z") == ["new"]
    assert await ids("before=2026-03-03T00:00:00%2B01:00") == ["old"]
    assert await ids(f"number=%2B{CALLER[1:]}") == ["new"]
    assert await ids("persona=nobody") == []


async def test_numbers_are_masked_but_for_a_key_that_may_see_them(rig: Rig) -> None:
    rig.call(from_number=CALLER)
    rig.write(TurnRow, **turn_values(text=f"call me on {CALLER}"))
    _, call = await rig.get("/v1/calls/c1", Scope.CALLS_READ)
    assert call["from_number"] == "…42"
    assert call["turns"][0]["text"] == "call me on [number]"
    _, call = await rig.get("/v1/calls/c1", Scope.CALLS_READ, Scope.CALLS_NUMBERS)
    assert call["from_number"] == CALLER
    assert CALLER in call["turns"][0]["text"]
    status, _ = await rig.get(f"/v1/calls?number=%2B{CALLER[1:]}", Scope.CALLS_READ)
    assert status == 403  # or it could be guessed


async def test_a_call_is_shown_with_its_latencies_and_nothing_of_our_machines(rig: Rig) -> None:
    rig.call(recording="/data/rec/c1.ogg")
    rig.write(TurnRow, **turn_values(latencies={"e2e_latency": 0.8}))
    _, call = await rig.get("/v1/calls/c1")
    assert call["turns"][0]["latencies"] == {"e2e_latency": 0.8}
    assert call["recorded"] is True
    assert not {"worker", "room", "recording"} & call.keys()


async def test_a_recording_is_sent_whole_and_in_part(rig: Rig) -> None:
    file = rig.folder / "recordings" / "c1.wav"
    file.write_bytes(b"RIFF-and-so-on")
    rig.call(recording=str(file))
    headers = rig.headers()
    async with rig.http.get("/v1/calls/c1/recording", headers=headers) as answer:
        assert (answer.status, answer.content_type) == (200, "audio/wav")
        assert await answer.read() == b"RIFF-and-so-on"
    part = headers | {"Range": "bytes=0-3"}
    async with rig.http.get("/v1/calls/c1/recording", headers=part) as answer:
        assert (answer.status, await answer.read()) == (206, b"RIFF")
    status, _ = await rig.get("/v1/calls/c1/recording", Scope.CALLS_READ)
    assert status == 403


async def test_only_recordings_are_sent(rig: Rig) -> None:
    (rig.folder / "secret.wav").write_text("secret")
    (rig.folder / "recordings" / "c1.txt").write_text("secret")
    for n, elsewhere in enumerate(("../secret.wav", "/etc/passwd", "c1.txt", "gone.wav")):
        rig.call(f"c{n}", recording=str(rig.folder / "recordings" / elsewhere))
        status, said = await rig.get(f"/v1/calls/c{n}/recording")
        assert (status, said["error"]["code"]) == (404, "no_recording")


async def test_a_call_is_erased_with_its_recording(rig: Rig) -> None:
    file = rig.folder / "recordings" / "c1.ogg"
    file.write_bytes(b"OggS")
    rig.call(recording=str(file), **ENDED)
    assert await rig.ask("DELETE", "/v1/calls/c1", Scope.CALLS_READ) != (204, None)
    assert await rig.ask("DELETE", "/v1/calls/c1", Scope.CALLS_WRITE) == (204, None)
    assert not file.exists()
    status, said = await rig.ask("DELETE", "/v1/calls/c1")
    assert (status, said["error"]["code"]) == (404, "no_such_call")


async def test_a_call_that_goes_on_is_not_erased(rig: Rig) -> None:
    rig.call()
    status, said = await rig.ask("DELETE", "/v1/calls/c1")
    assert (status, said["error"]["code"]) == (409, "call_goes_on")
    assert (await rig.get("/v1/calls/c1"))[0] == 200


WRONG = {
    "since=0001-01-01T00:00:00%2B14:00": "since",
    "since=yesterday": "since",
    "since=-35142": "since",
    "before=1.7e9": "before",
    "limit=0": "limit",
    "cursor=nonsense": "cursor",
    "cursor=MjAyNiBhYmM%3D": "cursor",
    "number=12345": "number",
    "outcome=strange": "outcome",
}


async def test_a_wrong_filter_is_named_and_not_repeated(rig: Rig) -> None:
    for query, where in WRONG.items():
        status, said = await rig.get(f"/v1/calls?{query}")
        assert (status, said["error"]["code"]) == (422, "invalid"), query
        assert where in said["error"]["message"]
        if query != "limit=0":
            assert query.partition("=")[2] not in said["error"]["message"]

"""Who may ask, for what, how often and how much."""

import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.web.rig import Rig, now, serving
from web.server.keys import KeyFile, KeyFileError, Scope
from web.server.limits import LONGEST_BODY, Bucket, Limiter

NEEDED = {
    ("GET", "/v1/calls"): Scope.CALLS_READ,
    ("GET", "/v1/calls/c1"): Scope.CALLS_READ,
    ("GET", "/v1/calls/c1/recording"): Scope.CALLS_READ,
    ("GET", "/v1/calls/c1/peaks"): Scope.CALLS_READ,
    ("GET", "/v1/calls/c1/export?format=csv"): Scope.CALLS_READ,
    ("GET", "/v1/export?format=csv"): Scope.CALLS_READ,
    ("GET", "/v1/overview"): Scope.CALLS_READ,
    ("DELETE", "/v1/calls/c1"): Scope.CALLS_WRITE,
    ("POST", "/v1/calls"): Scope.CALLS_WRITE,
    ("GET", "/v1/dials/dial-0123456789ab"): Scope.CALLS_READ,
    ("DELETE", "/v1/dials/dial-0123456789ab"): Scope.CALLS_WRITE,
    ("GET", "/v1/live"): Scope.CALLS_READ,
    ("GET", "/v1/live/events"): Scope.CALLS_READ,
    ("POST", "/v1/live/c1/listen"): Scope.CALLS_LISTEN,
    ("POST", "/v1/live/c1/hangup"): Scope.CALLS_WRITE,
    ("POST", "/v1/live/c1/say"): Scope.CALLS_WRITE,
    ("POST", "/v1/live/c1/stop-recording"): Scope.CALLS_WRITE,
    ("POST", "/v1/live/c1/transfer"): Scope.CALLS_WRITE,
    ("GET", "/v1/personas"): Scope.PERSONAS_READ,
    ("GET", "/v1/personas/clerk"): Scope.PERSONAS_READ,
}


async def test_every_route_of_the_api_is_behind_a_key_with_its_scope(rig: Rig) -> None:
    async with rig.http.get("/openapi.json") as answer:
        paths = (await answer.json())["paths"]
    routes = {(method.upper(), path) for path, ways in paths.items() for method in ways}
    assert len({each for each in routes if each[1].startswith("/v1")}) == len(NEEDED)
    for (method, path), scope in NEEDED.items():
        async with rig.http.request(method, path) as answer:
            assert answer.status == 401, path
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert "parley web key new" in (await answer.json())["error"]["message"]
        others = [each for each in Scope if each not in {scope, Scope.ADMIN}]
        status, said = await rig.ask(method, path, *others)
        assert (status, said["error"]["code"]) == (403, "forbidden"), path
        assert scope in said["error"]["message"]


async def test_a_revoked_key_opens_nothing(rig: Rig) -> None:
    headers = rig.headers()
    async with rig.http.get("/v1/calls", headers=headers) as answer:
        assert answer.status == 200
    for key in rig.keys.read():
        assert rig.keys.revoke(key.id)
    async with rig.http.get("/v1/calls", headers=headers) as answer:
        assert answer.status == 401


def test_a_key_is_kept_as_a_digest_in_a_file_of_its_owners(tmp_path: Path) -> None:
    store = KeyFile(tmp_path / "run" / "keys.json")
    key, sent = store.new("me", frozenset({Scope.CALLS_READ}), now())
    file = tmp_path / "run" / "keys.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert sent not in file.read_text()
    assert store.holder(sent) == key
    assert store.holder(f"{sent[:-1]}{'A' if sent[-1] != 'A' else 'B'}") is None
    assert store.holder("") is None
    assert store.revoke("000000000000") is False


def test_a_file_of_keys_that_is_none_opens_nothing_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    store = KeyFile(file)
    _, sent = store.new("me", frozenset({Scope.ADMIN}), now())
    os.truncate(file, 20)
    with pytest.raises(KeyFileError, match=r"keys\.json .*parley web key new"):
        store.holder(sent)


def test_a_bucket_fills_at_its_rate_up_to_its_burst() -> None:
    bucket = Bucket(rate=2.0, burst=3.0, tokens=3.0, at=100.0)
    assert [bucket.take(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(100.5) == 0.0
    assert bucket.take(100.5) == 0.5
    assert [bucket.take(200.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(150.0) == 0.5  # a clock that was put back gives nothing


def test_a_limiter_knows_each_key_by_itself() -> None:
    limiter = Limiter(rate=1.0, burst=1.0)
    assert limiter.take("a", 0.0) == 0.0
    assert limiter.take("a", 0.25) == 0.75
    assert limiter.take("b", 0.25) == 0.0
    assert limiter.take("a", 9.0) == 0.0


async def test_a_key_that_asks_too_often_is_told_to_wait(tmp_path: Path) -> None:
    async with serving(tmp_path, limiter=Limiter(rate=0.001, burst=2.0)) as rig:
        headers = rig.headers()
        statuses = []
        for _ in range(3):
            async with rig.http.get("/v1/calls", headers=headers) as answer:
                statuses.append(answer.status)
                wait = answer.headers.get("Retry-After")
        assert statuses == [200, 200, 429]
        assert wait is not None
        assert int(wait) > 0
        assert (await rig.get("/v1/calls"))[0] == 200


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_of_ten_megabytes_is_refused_and_the_next_is_not(
    rig: Rig, chunked: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield b"x" * LONGEST_BODY

    body = pieces() if chunked else io.BytesIO(b"x" * 10 * LONGEST_BODY)
    headers = rig.headers() | {"Content-Type": "application/json"}
    async with rig.http.post("/v1/calls", data=body, headers=headers) as answer:
        assert answer.status == 413
        assert (await answer.json())["error"]["code"] == "content_too_large"
    assert (await rig.get("/v1/calls"))[0] == 200


async def test_whatever_goes_wrong_is_told_in_one_shape(rig: Rig) -> None:
    for method, path in (("GET", "/nowhere"), ("PUT", "/v1/calls"), ("POST", "/v1/calls")):
        status, said = await rig.ask(method, path)
        assert status in {404, 405, 422}
        assert said.keys() == {"error"}
        assert said["error"].keys() == {"code", "message"}
    headers = rig.headers() | {"Content-Type": "application/json"}
    async with rig.http.post("/v1/calls", data=b"{", headers=headers) as answer:
        assert answer.status == 422


async def test_a_ledger_that_is_away_is_said_and_does_not_pass_for_ready(rig: Rig) -> None:
    async with rig.http.get("/ready") as answer:
        assert answer.status == 200
    rig.engine.dispose()
    ledger = rig.folder / "ledger.db"
    ledger.rename(rig.folder / "elsewhere.db")
    ledger.mkdir()
    status, said = await rig.get("/v1/calls")
    assert (status, said["error"]["code"]) == (503, "ledger_unavailable")
    async with rig.http.get("/ready") as answer:
        assert (answer.status, (await answer.json())["ledger"]) == (503, False)
    async with rig.http.get("/health") as answer:
        assert answer.status == 200


async def test_metrics_count_by_route_and_are_for_those_with_a_key(rig: Rig) -> None:
    await rig.get("/v1/calls/secret-id")
    async with rig.http.get("/metrics") as answer:
        assert answer.status == 401
    async with rig.http.get("/metrics", headers=rig.headers(Scope.PERSONAS_READ)) as answer:
        text = await answer.text()
    assert 'parley_web_requests_total{route="/v1/calls/{call_id}",status="404"} 1.0' in text
    assert "secret-id" not in text


async def test_metrics_tell_what_waits_and_that_the_ledger_is_away(rig: Rig) -> None:
    rig.call("c1")
    headers = rig.headers(Scope.PERSONAS_READ)
    async with rig.http.get("/metrics", headers=headers) as answer:
        text = await answer.text()
    assert 'parley_ledger_calls{state="live"} 1.0' in text
    assert 'parley_webhooks_deliveries{state="waiting"} 0.0' in text
    rig.engine.dispose()
    ledger = rig.folder / "ledger.db"
    ledger.rename(rig.folder / "elsewhere.db")
    ledger.mkdir()
    async with rig.http.get("/metrics", headers=headers) as answer:
        assert answer.status == 200
        text = await answer.text()
    assert "parley_ledger_up 0.0" in text
    assert "parley_ledger_calls{" not in text

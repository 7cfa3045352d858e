"""Signing a browser in and out, and what a signed-in one may."""

import io
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from pydantic import SecretStr

from ledger.calls import read_call
from tests.web.browser import OURS, browser, code
from tests.web.rig import Rig, now, serving
from web.server.entry import COOKIE, SECURE_COOKIE, Entry
from web.server.limits import LONGEST_BODY, Limiter
from web.server.links import LASTS, Links
from web.server.sessions import IDLE, LONGEST, MOST, Sessions

WORD = "correct horse battery"
RIGHT, WRONG = {"password": WORD}, {"password": "correct horse stable"}


PLENTY = 1000.0


def entry(folder: Path, *, by_address: float = PLENTY, in_all: float = PLENTY) -> Entry:
    """With so many tries."""
    return Entry(
        password=SecretStr(WORD),
        links=Links(folder / "links"),
        by_address=Limiter(rate=0.001, burst=by_address),
        in_all=Limiter(rate=0.001, burst=in_all),
    )


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Rig]:
    async with serving(tmp_path, entry=entry(tmp_path)) as rig:
        yield rig


async def sign_in(http: aiohttp.ClientSession) -> None:
    async with http.post("/login", json=RIGHT) as answer:
        assert answer.status == 204


async def is_signed_in(http: aiohttp.ClientSession) -> bool:
    async with http.get("/room/config") as answer:
        config = await answer.json()
        assert config["login"] == "password"
        signed_in: bool = config["signed_in"]
        return signed_in


async def test_whoever_knows_the_password_may_all_until_they_sign_out(guarded: Rig) -> None:
    guarded.call(ended_at=now())
    async with browser(guarded) as http:
        assert await code(http.get("/v1/calls")) == "unauthorized"
        assert await code(http.post("/login", json=WRONG)) == "wrong_password"
        assert not await is_signed_in(http)
        await sign_in(http)
        assert await is_signed_in(http)
        async with http.get("/v1/calls/c1") as answer:
            assert (await answer.json())["id"] == "c1"
        async with http.delete("/v1/calls/c1") as answer:
            assert answer.status == 204
        assert read_call(guarded.engine, "c1") is None
        (kept,) = [each.value for each in http.cookie_jar]
        async with http.post("/logout") as answer:
            assert answer.status == 204
        assert not await is_signed_in(http)
        # Signed out is the session, not the browser alone.
        async with guarded.http.get("/v1/calls", cookies={COOKIE: kept}, headers=OURS) as answer:
            assert answer.status == 401


async def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_http(guarded: Rig) -> None:
    async with guarded.http.post("/login", json=RIGHT) as answer:
        here = answer.cookies[COOKIE]
    assert (here["httponly"], here["samesite"], here["secure"]) == (True, "strict", "")
    assert 0 < int(here["max-age"]) <= LONGEST.total_seconds()
    elsewhere = {"Host": "calls.example.com"}
    async with guarded.http.post("/login", json=RIGHT, headers=elsewhere) as answer:
        there = answer.cookies[SECURE_COOKIE]
    assert (there["httponly"], there["secure"], there["path"]) == (True, True, "/")
    # One that anybody on the way could have set is none.
    sent = {"Cookie": f"{COOKIE}={there.value}"} | elsewhere | OURS
    async with guarded.http.get("/v1/calls", headers=sent) as answer:
        assert answer.status == 401


USES: tuple[tuple[str, dict[str, str], int], ...] = (
    ("GET", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("GET", {"Origin": "https://evil.example"}, 403),
    ("GET", {"Sec-Fetch-Site": "none"}, 200),
    ("GET", {}, 200),
    ("DELETE", {}, 403),
    ("DELETE", {"Sec-Fetch-Site": "none"}, 403),
    ("DELETE", {"Sec-Fetch-Site": "cross-site"}, 403),
    ("DELETE", {"Origin": "https://evil.example"}, 403),
    ("DELETE", {"Origin": "null"}, 403),
    ("DELETE", {"Sec-Fetch-Site": "same-origin"}, 204),
)
"""Of a sign-in: method, headers, status."""


async def test_a_sign_in_is_of_use_to_our_own_pages_alone(guarded: Rig) -> None:
    async with browser(guarded) as http:
        await sign_in(http)
        sent = {COOKIE: next(iter(http.cookie_jar)).value}
    guarded.call(ended_at=now())
    for method, headers, status in USES:
        asking = guarded.http.request(method, "/v1/calls/c1", cookies=sent, headers=headers)
        async with asking as said:
            assert said.status == status, (method, headers)
            if status == 403:
                assert (await said.json())["error"]["code"] == "foreign_page"


async def test_another_site_signs_nobody_in_or_out(guarded: Rig) -> None:
    for path in ("/login", "/logout"):
        asking = guarded.http.post(path, json=RIGHT, headers={"Sec-Fetch-Site": "cross-site"})
        assert await code(asking) == "foreign_page"


@pytest.mark.parametrize(("by_address", "in_all"), [(3.0, PLENTY), (PLENTY, 3.0)])
async def test_guessing_is_slow(tmp_path: Path, by_address: float, in_all: float) -> None:
    slow = entry(tmp_path, by_address=by_address, in_all=in_all)
    async with serving(tmp_path, entry=slow) as rig, browser(rig) as http:
        for _ in range(3):
            assert await code(http.post("/login", json=WRONG)) == "wrong_password"
        async with http.post("/login", json=RIGHT) as answer:
            assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (429, True)


async def test_a_sign_in_is_logged_without_its_secrets(
    guarded: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with browser(guarded) as http:
        assert await code(http.post("/login", json=WRONG)) == "wrong_password"
        await sign_in(http)
        (cookie,) = http.cookie_jar
    said = [record for record in caplog.records if record.name == "web.server.login"]
    assert [record.message for record in said] == ["a sign-in failed", "a browser signed in"]
    assert [vars(record)["address"] for record in said] == ["127.0.0.1", "127.0.0.1"]
    for secret in (WORD, WRONG["password"], cookie.value):
        assert not any(secret in str(vars(record)) for record in caplog.records)


async def test_where_no_login_is_set_up_it_is_said_how(rig: Rig) -> None:
    async with browser(rig) as http:
        assert await code(http.post("/login", json=RIGHT)) == "login_not_set_up"
        assert await code(http.get("/login/oidc")) == "login_not_set_up"
        assert await code(http.get("/v1/calls")) == "unauthorized"
        body = io.BytesIO(b"x" * 2 * LONGEST_BODY)
        asking = http.post("/login", data=body, headers={"Content-Type": "application/json"})
        assert await code(asking) == "content_too_large"


async def test_a_link_signs_in_once(guarded: Rig) -> None:
    link = f"/login/link?persona=clerk&code={Links(guarded.folder / 'links').new(now())}"
    async with browser(guarded) as first, browser(guarded) as second:
        async with first.get(link, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/?persona=clerk")
        assert await is_signed_in(first)
        async with second.get(link, allow_redirects=False) as answer:
            assert (answer.status, answer.headers["Location"]) == (303, "/login?problem=link")
        assert not await is_signed_in(second)


def test_a_link_is_good_for_a_while_and_no_secret_lies_in_its_folder(tmp_path: Path) -> None:
    links, began = Links(tmp_path / "links"), now()
    late, kept = links.new(began), links.new(began)
    (one, other) = (tmp_path / "links").iterdir()
    assert late not in one.name + other.name + one.read_text() + other.read_text()
    assert [each.stat().st_mode & 0o777 for each in (one, other)] == [0o600, 0o600]
    assert not links.take(late, began + LASTS)
    assert not links.take(late, began)
    assert not links.take("../links", began)
    links.new(began + LASTS)
    assert not links.take(kept, began)  # swept away


def test_a_session_ends_when_it_is_not_used_and_in_the_end() -> None:
    sessions, began = Sessions(), now()
    sent = sessions.open("owner", began)
    assert sessions.find("another", began) is None
    moment = began
    while moment + IDLE / 2 < began + LONGEST:
        moment += IDLE / 2
        found = sessions.find(sent, moment)
        assert found is not None
        assert found.name == "owner"
    assert sessions.find(sent, began + LONGEST) is None
    unused = sessions.open("owner", began)
    assert sessions.find(unused, began + IDLE) is None


def test_there_are_only_so_many_sessions_and_the_unused_go_first() -> None:
    sessions, began = Sessions(), now()
    first, second = sessions.open("owner", began), sessions.open("owner", began)
    assert sessions.find(first, began + timedelta(minutes=1))
    for _ in range(MOST - 1):
        sessions.open("owner", began + timedelta(minutes=1))
    assert sessions.find(second, began + timedelta(minutes=1)) is None
    assert sessions.find(first, began + timedelta(minutes=1))

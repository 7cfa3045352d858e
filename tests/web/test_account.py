"""Signing in by an account elsewhere, with a provider on a real socket."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import SecretStr

from tests.fakes.issuer import CLIENT, SECRET, Claims, Issuer, issuing
from tests.web.browser import browser
from tests.web.rig import Rig, serving
from web.server.entry import Entry
from web.server.limits import Limiter
from web.server.oidc import LASTS, Client, NotAllowedError, Provider, ProviderError, is_safe

ALLOWED = ("Ann@example.com", "@example.org")


def client_of(issuer: Issuer) -> Client:
    here = "http://127.0.0.1:8080/login/callback"
    return Client(issuer.url, CLIENT, SecretStr(SECRET), ALLOWED, here)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing() as running:
        yield running


@pytest.fixture
async def rig(tmp_path: Path, issuer: Issuer) -> AsyncIterator[Rig]:
    plenty = Limiter(rate=1000.0, burst=1000.0)
    entry = Entry(provider=Provider(client_of(issuer)), by_address=plenty, in_all=plenty)
    async with serving(tmp_path, entry=entry) as rig:
        yield rig


async def go(http: aiohttp.ClientSession) -> str:
    """Where the browser is sent."""
    async with http.get("/login/oidc", allow_redirects=False) as answer:
        assert answer.status == 303
        return answer.headers["Location"]


async def come_back(http: aiohttp.ClientSession, brought: dict[str, str]) -> str:
    """Where the browser is sent then; its link is on the provider's page."""
    headers = {"Sec-Fetch-Site": "cross-site"}
    async with http.get(
        "/login/callback", params=brought, headers=headers, allow_redirects=False
    ) as answer:
        assert answer.status == 303
        return answer.headers["Location"]


async def config(http: aiohttp.ClientSession) -> dict[str, Any]:
    async with http.get("/room/config") as answer:
        said: dict[str, Any] = await answer.json()
        return said


@pytest.mark.parametrize("email", ["ann@example.com", "bob@example.org"])
async def test_whoever_is_allowed_gets_in(rig: Rig, issuer: Issuer, email: str) -> None:
    issuer.email = email
    async with browser(rig) as http:
        assert (await config(http))["login"] == "oidc"
        brought = issuer.sign_in(await go(http))
        assert await come_back(http, brought) == "/"
        assert (await config(http))["signed_in"]
        # A code and a state are good once.
        assert await come_back(http, brought) == "/login?problem=not_allowed"


LIES: tuple[tuple[Claims, str], ...] = (
    ({"email": "eve@example.com"}, "not_allowed"),
    ({"email": "ann@example.com.evil.example"}, "not_allowed"),
    ({"email": "eve@evil.example@example.org"}, "not_allowed"),
    ({"email_verified": False}, "not_allowed"),
    ({"email_verified": None}, "not_allowed"),
    ({"email": None}, "not_allowed"),
    ({"nonce": "another"}, "provider"),
    ({"aud": "another"}, "provider"),
    ({"aud": [CLIENT, "another"], "azp": "another"}, "provider"),
    ({"iss": "https://evil.example"}, "provider"),
    ({"exp": 1_000_000}, "provider"),
)
"""What is wrong with the claims, and the problem that the login page is told of."""


async def test_nobody_else_does(rig: Rig, issuer: Issuer) -> None:
    async with browser(rig) as http:
        for lie, problem in LIES:
            issuer.lie = lie
            there = await come_back(http, issuer.sign_in(await go(http)))
            assert there == f"/login?problem={problem}", lie
            assert not (await config(http))["signed_in"]


async def test_a_sign_in_belongs_to_the_browser_that_began_it(rig: Rig, issuer: Issuer) -> None:
    async with browser(rig) as mine, browser(rig) as another:
        brought = issuer.sign_in(await go(mine))
        assert await come_back(another, brought) == "/login?problem=not_allowed"
        brought = issuer.sign_in(await go(mine))
        assert await come_back(mine, brought | {"state": "made up"}) == "/login?problem=not_allowed"
        assert await come_back(mine, {"error": "access_denied"}) == "/login?problem=not_allowed"
        assert not (await config(another))["signed_in"]


def _forged(issuer: Issuer) -> None:
    issuer.key = ec.generate_private_key(ec.SECP256R1())


def _unsigned(issuer: Issuer) -> None:
    issuer.algorithm = "none"


def _refusing(issuer: Issuer) -> None:
    issuer.refuses = True


@pytest.mark.parametrize("lie", [_forged, _unsigned, _refusing])
async def test_a_token_that_the_provider_did_not_sign_is_none(
    rig: Rig, issuer: Issuer, lie: Callable[[Issuer], None]
) -> None:
    async with browser(rig) as http:
        brought = issuer.sign_in(await go(http))
        lie(issuer)
        assert await come_back(http, brought) == "/login?problem=provider"
        assert not (await config(http))["signed_in"]


@pytest.mark.parametrize(
    "discovered",
    [
        {"issuer": "https://evil.example"},
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": 3},
    ],
)
async def test_a_provider_that_is_another_is_not_used(
    rig: Rig, issuer: Issuer, discovered: dict[str, Any]
) -> None:
    issuer.discovered = discovered
    async with browser(rig) as http:
        assert await go(http) == "/login?problem=provider"


async def test_who_takes_too_long_begins_again(issuer: Issuer) -> None:
    now = 100.0
    provider = Provider(client_of(issuer), clock=lambda: now)
    address, ticket = await provider.begin()
    brought = issuer.sign_in(address)
    now += LASTS
    with pytest.raises(NotAllowedError, match="sign in again"):
        await provider.finish(brought["state"], ticket, brought["code"])


async def test_a_provider_that_is_away_is_told() -> None:
    async with issuing() as gone:
        provider = Provider(client_of(gone))
    with pytest.raises(ProviderError, match="does not answer"):
        await provider.begin()


def test_a_provider_is_asked_by_https_unless_it_is_here() -> None:
    assert is_safe("https://accounts.example.com/token")
    assert is_safe("http://127.0.0.1:9000/token")
    assert not is_safe("http://accounts.example.com/token")
    assert not is_safe("ftp://127.0.0.1/token")
    assert not is_safe("http://[")

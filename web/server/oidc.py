"""Signing in by an account elsewhere: OpenID Connect, the code flow with PKCE (RFC 7636)."""

import hashlib
import hmac
import json
import secrets
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import aiohttp
import jwt
from pydantic import BaseModel, SecretStr, ValidationError

from parley_serving.settings import is_loopback

LASTS = 600.0
"""Seconds for signing in over there."""

AT_ONCE = 100
"""Sign-ins that go on; with one more, the oldest is forgotten."""

PATIENCE = 10.0
"""Seconds for the provider to answer."""

LONGEST = 1_000_000
"""Bytes of an answer."""

LEEWAY = 60
"""Seconds by which its clock may differ from ours."""

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
"""None is symmetric: our secret signs nothing."""

CLAIMS = ("iss", "aud", "exp", "iat", "sub", "nonce")


class ProviderError(Exception):
    """The provider does not answer as it should; the message names the fix."""


class NotAllowedError(Exception):
    """Nobody who may sign in here."""


class _Discovered(BaseModel):
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: list[str] = ["client_secret_basic"]


class _Tokens(BaseModel):
    id_token: str


@dataclass(frozen=True)
class Client:
    """What the provider knows us by. `allowed` are addresses, or domains as `@example.com`."""

    issuer: str
    id: str
    secret: SecretStr
    allowed: tuple[str, ...]
    redirect: str

    def allows(self, email: str) -> bool:
        address = email.casefold()
        name, _, domain = address.partition("@")
        if not name or "@" in domain:
            return False
        return any(each.casefold() in {address, f"@{domain}"} for each in self.allowed)


@dataclass(frozen=True)
class _Flow:
    ticket: str
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    began: float = 0.0

    @property
    def challenge(self) -> str:
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()


class Provider:
    """`begin` says where to send the browser, `finish` who it was that came back."""

    def __init__(self, client: Client, clock: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._clock = clock
        self._flows: dict[str, _Flow] = {}

    async def begin(self) -> tuple[str, str]:
        """The address to send the browser to, and the ticket that it must bring back.

        Raises `ProviderError`.
        """
        async with self._calling() as http:
            there = await self._discover(http)
        now = self._clock()
        state, flow = secrets.token_urlsafe(32), _Flow(secrets.token_urlsafe(32), began=now)
        recent = [each for each in self._flows.items() if now - each[1].began < LASTS]
        self._flows = dict([*recent[-(AT_ONCE - 1) :], (state, flow)])
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": self._client.redirect,
            "scope": "openid email",
            "state": state,
            "nonce": flow.nonce,
            "code_challenge": flow.challenge,
            "code_challenge_method": "S256",
        }
        join = "&" if urlsplit(there.authorization_endpoint).query else "?"
        return f"{there.authorization_endpoint}{join}{urlencode(asked)}", flow.ticket

    async def finish(self, state: str, ticket: str, code: str) -> str:
        """The address of whoever signed in. A state is good once.

        Raises `ProviderError` or `NotAllowedError`.
        """
        flow = self._flows.pop(state, None)
        if flow is None or self._clock() - flow.began >= LASTS:
            raise NotAllowedError("it took too long, or the server was started anew: sign in again")
        if not hmac.compare_digest(flow.ticket.encode(), ticket.encode()):
            raise NotAllowedError("another browser began this sign-in")
        async with self._calling() as http:
            there = await self._discover(http)
            token = await self._redeem(http, there, code, flow)
            keys = await _json(http.get(there.jwks_uri, allow_redirects=False))
        return self._email(self._claims(token, there, keys, flow))

    def _calling(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE))

    async def _discover(self, http: aiohttp.ClientSession) -> _Discovered:
        issuer = self._client.issuer
        url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            found = _Discovered.model_validate(await _json(http.get(url, allow_redirects=False)))
        except ValidationError as error:
            raise ProviderError(
                f"{url} is no OpenID configuration: see PARLEY_WEB_OIDC_ISSUER"
            ) from error
        if found.issuer != issuer:
            raise ProviderError(
                f"the issuer calls itself {found.issuer}: set PARLEY_WEB_OIDC_ISSUER"
            )
        for address in (issuer, found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
            if not is_safe(address):
                raise ProviderError(f"the issuer names {address}, which is not HTTPS")
        return found

    async def _redeem(
        self, http: aiohttp.ClientSession, there: _Discovered, code: str, flow: _Flow
    ) -> str:
        id_, secret = self._client.id, self._client.secret.get_secret_value()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect,
            "client_id": id_,
            "code_verifier": flow.verifier,
        }
        headers = {}
        if "client_secret_basic" in there.token_endpoint_auth_methods_supported:
            pair = f"{quote_plus(id_)}:{quote_plus(secret)}".encode()
            headers["Authorization"] = f"Basic {b64encode(pair).decode()}"
        else:
            form["client_secret"] = secret
        url = there.token_endpoint
        asked = http.post(url, data=form, headers=headers, allow_redirects=False)
        try:
            return _Tokens.model_validate(await _json(asked)).id_token
        except ValidationError as error:
            raise ProviderError("the provider sent no id_token") from error

    def _claims(self, token: str, there: _Discovered, keys: Any, flow: _Flow) -> Mapping[str, Any]:
        try:
            wanted = jwt.get_unverified_header(token).get("kid")
            held = jwt.PyJWKSet.from_dict(keys).keys
            key = next(each for each in held if wanted is None or each.key_id == wanted)
            claims: Mapping[str, Any] = jwt.decode(
                token,
                key,
                algorithms=ALGORITHMS,
                audience=self._client.id,
                issuer=there.issuer,
                leeway=LEEWAY,
                options={"require": list(CLAIMS)},
            )
        except (jwt.PyJWTError, StopIteration, AttributeError, TypeError) as error:
            kind = type(error).__name__
            raise ProviderError(f"the id_token cannot be trusted ({kind})") from error
        if not hmac.compare_digest(str(claims["nonce"]).encode(), flow.nonce.encode()):
            raise ProviderError("the id_token is of another sign-in")
        if claims.get("azp", self._client.id) != self._client.id:
            raise ProviderError("the id_token is another client's")
        return claims

    def _email(self, claims: Mapping[str, Any]) -> str:
        email = claims.get("email")
        if not isinstance(email, str) or claims.get("email_verified") not in {True, "true"}:
            raise NotAllowedError("the provider does not vouch for the address")
        if not self._client.allows(email):
            raise NotAllowedError("the address is not among PARLEY_WEB_OIDC_ALLOWED")
        return email


def is_safe(address: str) -> bool:
    """HTTPS, or on this machine."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


async def _json(asking: Any) -> Any:
    """Of an answer that is good. Raises `ProviderError`."""
    try:
        async with asking as answer:
            if answer.status != HTTPStatus.OK:
                raise ProviderError(f"{answer.url.origin()} answers {answer.status}")
            body = b""
            async for piece in answer.content.iter_any():
                body += piece
                if len(body) > LONGEST:
                    raise ProviderError(f"{answer.url.origin()} does not stop answering")
            return json.loads(body)
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise ProviderError(f"the provider does not answer ({type(error).__name__})") from error

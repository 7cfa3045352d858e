"""An OpenID provider that lets a test say who signs in, on a socket of its own."""

import base64
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from tests.fakes.http import listening

KID = "k1"
CLIENT, SECRET = "parley", "client secret/with:signs"

Claims = dict[str, Any]


@dataclass
class Issuer:
    """`lie` goes over the claims; `key` signs, `published` is what is told of it."""

    url: str = ""
    email: str = "ann@example.com"
    lie: Claims = field(default_factory=dict)
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    discovered: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "ES256"
    refuses: bool = False
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.published = self.key.public_key()

    def sign_in(self, address: str) -> dict[str, str]:
        """Somebody does, where `address` sent the browser: what it comes back with."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert address.startswith(f"{self.url}/authorize?")
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return {"code": code, "state": asked["state"]}

    async def configuration(self, _: web.Request) -> web.Response:
        known = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return web.json_response(known | self.discovered)

    async def token(self, request: web.Request) -> web.Response:
        form = await request.post()
        asked = self.codes.pop(str(form["code"]), None)
        if self.refuses or asked is None or not self._knows(request):
            return web.json_response({"error": "invalid_grant"}, status=400)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert challenge == asked["code_challenge"]
        assert form["redirect_uri"] == asked["redirect_uri"]
        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": CLIENT,
            "sub": "1",
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            "email": self.email,
            "email_verified": True,
        }
        return web.json_response({"id_token": self.sign(claims | self.lie)})

    def sign(self, claims: Claims) -> str:
        key = "" if self.algorithm == "none" else self.key
        return jwt.encode(claims, key, algorithm=self.algorithm, headers={"kid": KID})

    def _knows(self, request: web.Request) -> bool:
        kind, _, sent = request.headers["Authorization"].partition(" ")
        pair = base64.b64decode(sent).decode()
        return (kind, pair) == ("Basic", f"{CLIENT}:client+secret%2Fwith%3Asigns")

    async def keys(self, _: web.Request) -> web.Response:
        key = jwt.algorithms.ECAlgorithm.to_jwk(self.published, as_dict=True)
        return web.json_response({"keys": [key | {"kid": KID, "alg": "ES256"}]})


@contextlib.asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    issuer, app = Issuer(), web.Application()
    app.router.add_get("/.well-known/openid-configuration", issuer.configuration)
    app.router.add_post("/token", issuer.token)
    app.router.add_get("/keys", issuer.keys)
    async with listening(app) as issuer.url:
        yield issuer

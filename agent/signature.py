"""How we sign what we send to web servers."""

import hashlib
import hmac

SIGNATURE = "Parley-Signature"
"""The header's name."""


def signature(secret: str, at: int, body: bytes) -> str:
    """`t=AT,v1=HEX`: HMAC-SHA256 over `AT.BODY`, so that an old one cannot be sent again.

    Who is told checks it against the body as it came, and that `t` (seconds since 1970) is recent.
    """
    signed = f"{at}.".encode() + body
    return f"t={at},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"

"""Asks a web server of the owner's about a caller: another persona, variables, or no call at all."""

import asyncio
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import aiohttp
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from agent.admission.policy import CallStart, PersonaName
from agent.call import CallRequest
from agent.signature import SIGNATURE, signature
from agent.tools.declared import SECRET_PREFIX

logger = logging.getLogger(__name__)

PATIENCE = 1.5
"""Seconds; it rings meanwhile. Who gives no answer by then has none to give: the call goes on."""

LONGEST = 64 * 1024
"""Bytes of an answer."""

Word = Annotated[str, StringConstraints(max_length=2000)]


class Answer(BaseModel):
    """What may be answered, as JSON; `{}` changes nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    persona: PersonaName | None = None
    vars: dict[str, Word] = Field(default_factory=dict, max_length=50)
    refuse: bool = False


async def asked(
    whom: CallStart, request: CallRequest, environment: Mapping[str, str]
) -> CallRequest | None:
    """The request as the answer changes it; None: it refuses the call.

    A server that is away, slow or wrong, and a secret that is missing, change nothing.
    """
    secret = environment.get(SECRET_PREFIX + whom.secret)
    if not secret:
        logger.error("nobody is asked about the caller", extra={"missing": whom.secret})
        return request
    told = {
        "type": "call.start",
        "to": request.to,
        "from": request.from_,
        "call_id": request.call_id,
    }
    try:
        async with asyncio.timeout(PATIENCE):
            answer = Answer.model_validate_json(
                await _post(whom.url, secret, json.dumps(told | {"persona": request.persona}))
            )
    except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
        logger.warning("nobody told us of the caller", extra={"kind": type(error).__name__})
        return request
    if answer.refuse:
        return None
    changes = {"persona": answer.persona or request.persona, "vars": request.vars | answer.vars}
    return request.model_copy(update=changes)


async def _post(url: str, secret: str, text: str) -> bytes:
    body = text.encode()
    headers = {
        "Content-Type": "application/json",
        SIGNATURE: signature(secret, int(datetime.now(UTC).timestamp()), body),
    }
    async with (
        aiohttp.ClientSession(raise_for_status=True) as http,
        http.post(url, data=body, headers=headers, allow_redirects=False) as answer,
    ):
        heard = bytearray()
        async for chunk in answer.content.iter_any():
            heard += chunk
            if len(heard) > LONGEST:
                break
        return bytes(heard)

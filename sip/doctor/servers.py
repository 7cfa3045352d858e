"""Whether worker, engines and model say that they are ready."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from ssl import SSLContext

import aiohttp
from pydantic import SecretStr

from sip.doctor.finding import Finding, Reporter

_PATIENCE = aiohttp.ClientTimeout(total=2.0)
_REFUSED = frozenset({401, 403})


@dataclass(frozen=True)
class Server:
    """`url` without a slash at its end."""

    url: str
    start: str
    """What to do when it is not there."""
    key: SecretStr | None = None
    tls: SSLContext | None = None
    """Whom it is to be trusted by; by public authorities, if None."""

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.key.get_secret_value()}"} if self.key else {}


async def ready(report: Reporter, server: Server) -> Finding:
    """`/ready` answers 200, and our key, if it asks for one, is right."""
    status, _ = await _get(server, "/ready")
    if status == 200:  # noqa: PLR2004
        if server.key and (await _get(server, "/v1/models"))[0] in _REFUSED:
            return report.failed(f"{server.url} refuses our key", "give both sides the same key")
        return report.ok(f"ready at {server.url}")
    if status is None:
        return report.failed(f"nobody answers at {server.url}", server.start)
    return report.failed(
        f"{server.url} is not ready (HTTP {status})", f"wait until it has loaded, or {server.start}"
    )


async def mind(report: Reporter, server: Server, model: str) -> Finding:
    """An OpenAI-compatible endpoint that has `model`."""
    status, body = await _get(server, "/models")
    if status is None:
        return report.failed(f"nobody answers at {server.url}", server.start)
    if status in _REFUSED:
        return report.failed(f"{server.url} refuses the key", "set AGENT_LLM__KEY to its key")
    names = _models(body)
    if status != 200 or names is None:  # noqa: PLR2004
        return report.warning(
            f"{server.url} does not list its models (HTTP {status})",
            "see that AGENT_LLM__URL ends with the path of its API, as /v1",
        )
    if model not in names:
        return report.failed(
            f"{server.url} has no model {model!r}",
            f"set AGENT_LLM__MODEL to one that it has: {', '.join(sorted(names)[:5]) or 'none'}",
        )
    return report.ok(f"{model} at {server.url}")


async def _get(server: Server, path: str) -> tuple[int | None, str]:
    """The status and the answer; no status where nobody answers."""
    async with aiohttp.ClientSession(timeout=_PATIENCE, headers=server.headers()) as session:
        try:
            async with session.get(f"{server.url}{path}", ssl=server.tls or True) as answer:
                return answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None, ""


def _models(body: str) -> set[str] | None:
    try:
        return {str(each["id"]) for each in json.loads(body)["data"]}
    except (ValueError, KeyError, TypeError):
        return None

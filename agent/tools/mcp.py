"""Tools of MCP servers, by the framework's client: those that the persona allows, and no others.

Importing this needs the package `mcp` (`livekit-agents[mcp]`).
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Self

from jsonschema import ValidationError, validate  # type: ignore[import-untyped]  # comes with mcp
from livekit.agents import RunContext, ToolError, llm
from livekit.agents.llm.mcp import MCPServer, MCPServerHTTP, MCPServerStdio, MCPToolResultContext
from pydantic import BaseModel, ConfigDict

from agent.tools.declared import SECRET_PREFIX
from agent.tools.guard import Filler, ToolFailure, Work, as_tool
from agent.tools.kinds import Mcp

logger = logging.getLogger(__name__)

START = 3.0
"""Seconds that a call waits for a server; without it the talk begins without its tools."""

LONGEST_ERROR = 300
"""Characters of a server's own words about an error."""


class Anything(BaseModel):
    """Arguments that the server's own schema checks."""

    model_config = ConfigDict(extra="allow")


class McpTools(llm.Toolset):
    """One server's."""

    def __init__(self, declared: Mcp, secrets: Mapping[str, str], filler: Filler) -> None:
        super().__init__(id=f"mcp_{declared.allow[0]}")
        self._declared = declared
        self._filler = filler
        self._server = _server(declared, secrets)

    async def setup(self) -> Self:
        try:
            async with asyncio.timeout(START):
                await self._server.initialize()
                offered = await self._server.list_tools()
        except Exception as error:  # noqa: BLE001  # a server of others'; the call goes on
            logger.warning("an MCP server is away", extra={"kind": type(error).__name__})
            return self
        known = {tool.info.name: tool for tool in offered}
        for name in self._declared.allow:
            if name in known:
                work = _work(known[name], self._declared.timeout_seconds)
                self._tools = [*self._tools, as_tool(work, self._filler)]
            else:
                logger.warning("an MCP server lacks a tool", extra={"tool": name})
        return self

    async def aclose(self) -> None:
        await self._server.aclose()


def _server(declared: Mcp, secrets: Mapping[str, str]) -> MCPServer:
    if declared.command:
        program, *arguments = declared.command
        return MCPServerStdio(
            program,
            arguments,
            client_session_timeout_seconds=declared.timeout_seconds,
            tool_result_resolver=_text,
        )
    assert declared.url is not None
    secret = secrets.get(SECRET_PREFIX + declared.secret, "") if declared.secret else None
    return MCPServerHTTP(
        declared.url,
        transport_type="sse" if declared.url.rstrip("/").endswith("/sse") else "streamable_http",
        headers={"Authorization": f"Bearer {secret}"} if secret else None,
        client_session_timeout_seconds=declared.timeout_seconds,
        tool_result_resolver=_text,
    )


def _work(tool: llm.RawFunctionTool, limit: float) -> Work:
    schema: dict[str, Any] = {"type": "object", **tool.info.raw_schema["parameters"]}

    async def call(_: RunContext[None], arguments: Anything) -> object:
        given = arguments.model_dump()
        unknown = given.keys() - schema.get("properties", {}).keys()
        if unknown:
            raise ToolFailure("bad_arguments", f"{min(unknown)}: is not an argument")
        try:
            validate(given, schema)
        except ValidationError as error:
            where = ".".join(str(part) for part in error.path) or "arguments"
            raise ToolFailure("bad_arguments", f"{where}: does not fit the schema") from error
        try:
            return await tool(raw_arguments=given)
        except ToolError as error:
            raise ToolFailure("failed", error.message[:LONGEST_ERROR]) from error

    about = str(tool.info.raw_schema.get("description") or tool.info.name)
    return Work(tool.info.name, about, Anything, call, limit=limit, schema=schema)


def _text(result: MCPToolResultContext) -> str:
    """Texts alone: a telephone shows no pictures."""
    texts = [part.text for part in result.result.content if part.type == "text"]
    if not texts:
        raise ToolError("It answered with nothing that can be read out.")
    return "\n".join(texts)

"""An MCP server of the tests: `python mcp_shop.py` on stdin and stdout."""

# mypy: disable-error-code="import-not-found, untyped-decorator, unused-ignore"
# The package mcp is there where it was asked for.

import asyncio

from mcp.server.mcpserver import MCPServer

server = MCPServer("shop")


@server.tool()
async def price(item: str) -> str:
    """What a thing costs."""
    return f"A {item} costs 45 dollars."


@server.tool()
async def refund(item: str) -> str:
    """Gives money back."""
    raise AssertionError(f"nobody allowed {item}")


@server.tool()
async def broken() -> str:
    """Fails."""
    raise ValueError("out of order " * 100)


@server.tool()
async def hang() -> str:
    """Never answers."""
    await asyncio.Event().wait()
    return ""


@server.tool()
async def huge() -> str:
    """Answers with two megabytes."""
    return "x" * 2_000_000


if __name__ == "__main__":
    server.run("stdio")

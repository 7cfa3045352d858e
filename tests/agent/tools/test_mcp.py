"""An MCP server of our own behind a persona; skipped where the package `mcp` is not installed."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from agent.tools.declared import BadToolError, check
from tests.agent.tools.scene import ToolScene, use

HERE = Path(__file__).parent
SERVER = (
    f"import runpy, sys; sys.path[:] = {sys.path!r}; "
    f"runpy.run_path({str(HERE / 'mcp_shop.py')!r}, run_name='__main__')"
)
SHOP: dict[str, Any] = {
    "type": "mcp",
    "command": [sys.executable, "-c", SERVER],
    "allow": ["price", "broken", "hang", "huge", "not_there"],
    "timeout_seconds": 1.5,
}

needs_mcp = pytest.mark.skipif(find_spec("mcp") is None, reason="the package mcp is not installed")


@needs_mcp
async def test_allowed_tools_are_used_and_no_others() -> None:
    uses = [
        use("price", item="box"),
        use("price", item="box", admin=True),
        use("price", item=5),
        use("refund", item="box"),
        use("broken"),
        use("hang"),
        use("huge"),
    ]
    async with ToolScene([SHOP], uses) as scene:
        scene.session.options.max_tool_steps = len(uses)
        await scene.session.generate_reply(user_input="What does a box cost?")
        price, extra, number, refund, *errors = scene.results()
        assert price == "A box costs 45 dollars."
        assert extra == {"error": "bad_arguments", "message": "admin: is not an argument"}
        assert number["error"] == "bad_arguments"
        assert "Unknown function" in refund
        assert [error["error"] for error in errors] == ["failed", "timeout", "too_long"]
        assert all(len(error["message"]) < 400 for error in errors)
        assert scene.said()[-1] == "Done."


@needs_mcp
async def test_a_server_that_does_not_start_takes_its_tools_away_and_nothing_else() -> None:
    gone = SHOP | {"command": [sys.executable, "-c", "raise SystemExit(1)"]}
    async with ToolScene([gone], [use("price", item="box")]) as scene:
        await scene.session.generate_reply(user_input="What does a box cost?")
        assert "Unknown function" in scene.results()[0]
        assert scene.said()[-1] == "Done."


@pytest.mark.skipif(find_spec("mcp") is not None, reason="the package mcp is installed")
def test_without_the_package_a_persona_with_a_server_is_refused() -> None:
    with pytest.raises(BadToolError, match=r"livekit-agents\[mcp\]") as caught:
        check([SHOP], Path(), {})
    assert caught.value.place == (0, "type")


@needs_mcp
def test_a_program_that_is_not_there_is_refused() -> None:
    with pytest.raises(BadToolError, match="no such program: shopd"):
        check([SHOP | {"command": ["shopd"]}], Path(), {})

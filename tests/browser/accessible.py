"""What axe finds wrong with a page, for people who cannot see or point."""

import os
from pathlib import Path
from typing import Any

from playwright.async_api import Page, expect

from parley.settings import ROOT

AXE = ROOT / "web" / "room" / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = Path(os.environ.get("PARLEY_ARTEFACTS", ROOT / ".run" / "screenshots"))


async def is_accessible(page: Page) -> None:
    """Once the page stands: in light and in dark. Fails with each rule that is broken, and where."""
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    await page.evaluate(AXE.read_text())
    for scheme in ("dark", "light"):
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found: dict[str, Any] = await page.evaluate("axe.run()")
        broken = [
            (each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]
        ]
        assert not broken, (scheme, broken)


async def pictured(page: Page, name: str) -> None:
    """For people to look at."""
    await page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)

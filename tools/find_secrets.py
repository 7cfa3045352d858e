"""Finds keys and passwords in the files that git tracks. Prints where, never what.

    python -m tools.find_secrets

Exit status 1 when there are any. A line that only looks like one has a piece of `HARMLESS`.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

PATTERNS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s*[A-Za-z0-9+/=]"),
    "a key of Amazon's": re.compile(r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
    "a token of GitHub's": re.compile(r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})\b"),
    "a token of Hugging Face's": re.compile(r"\bhf_[A-Za-z0-9]{30,}\b"),
    "a key of OpenAI's kind": re.compile(r"\bsk-(?:[a-z]+-)?[A-Za-z0-9_-]{24,}"),
    "a key of Twilio's": re.compile(r"\bSK[0-9a-f]{32}\b"),
    "a token of Slack's": re.compile(r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    "a key of Google's": re.compile(r"\bAIza[A-Za-z0-9_-]{35}\b"),
    "a signed token": re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{16,}"),
    "a password in an address": re.compile(
        r"\b[a-z][a-z0-9+]{2,}://[^\s/:@\"'<>{}]+:(?!password@)[^\s/@\"'<>{}]{8,}@"
    ),
    "a value beside its name": re.compile(
        r"(?i)(?:secret|token|passw(?:or)?d|api_?key|_key)[\"']?\s*[:=]\s*[\"']?"
        r"(?=[A-Za-z+/_-]*[0-9])(?=[0-9a-z+/_-]*[A-Za-z])[A-Za-z0-9+/_-]{24,}={0,2}(?![\w.(\[])"
    ),
}

HARMLESS = ("0123456789abcdef",)
"""Who writes this into a line says that it is for a test."""


def found_in(text: str) -> Iterator[tuple[int, str]]:
    """Number of each line that holds one, and its kind."""
    for kind, pattern in PATTERNS.items():
        for match in pattern.finditer(text):
            start = text.rfind("\n", 0, match.start()) + 1
            line = text[start : text.find("\n", match.end())]
            if not any(piece in line for piece in HARMLESS):
                yield text.count("\n", 0, match.start()) + 1, kind


def tracked(root: Path) -> list[str]:
    """Paths of files, from the root of a git work tree."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    return [path for path in listed.stdout.split("\0") if path and (root / path).is_file()]


def found(root: Path) -> Iterator[str]:
    for path in tracked(root):
        data = (root / path).read_bytes()
        if b"\0" not in data[:8192]:
            for line, kind in found_in(data.decode(errors="replace")):
                yield f"{path}:{line}: {kind}"


def main() -> int:
    places = list(found(ROOT))
    print("\n".join(places) if places else "no secret in what git tracks")
    return 1 if places else 0


if __name__ == "__main__":
    sys.exit(main())

"""The phrases that rehearsal hearing listens for: those of the scripts and of the simulated calls."""

from pathlib import Path

import yaml

from parley.scripted.script import load_scripts


def write_phrases(scripts: Path, calls: Path, to: Path) -> None:
    """One phrase a line, each once. `calls` may be missing. Raises `BadFileError` on a bad script."""
    phrases = [phrase for script in load_scripts(scripts).values() for phrase in script.phrases()]
    for path in sorted(calls.glob("*.yaml")):
        scenario = yaml.safe_load(path.read_text())
        phrases += [turn["say"] for turn in scenario.get("turns", ()) if "say" in turn]
    lines = dict.fromkeys(" ".join(phrase.lower().split()) for phrase in phrases)
    to.write_text("".join(f"{line}\n" for line in lines))

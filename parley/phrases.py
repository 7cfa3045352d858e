"""The phrases that rehearsal hearing listens for: those of the scripts and of the simulated calls."""

from pathlib import Path

from agent.yaml_file import BadFileError
from parley.scripted.matching import words_of
from parley.scripted.script import load_scripts
from sip.simulate.script import CallScript, ScriptError


def collect_phrases(scripts: Path, calls: Path) -> list[str]:
    """In lower case without punctuation, sorted, each once. `calls` may be missing.

    Raises `BadFileError`, which says file, line and key.
    """
    phrases = [phrase for script in load_scripts(scripts).values() for phrase in script.phrases()]
    try:
        for path in calls.glob("*.yaml"):
            phrases += [turn.say for turn in CallScript.load(path).turns if turn.say]
    except ScriptError as error:
        raise BadFileError(str(error)) from error
    return sorted({" ".join(words) for phrase in phrases if (words := words_of(phrase))})


def write_phrases(scripts: Path, calls: Path, to: Path) -> None:
    """One phrase a line, as the engine's WHISPER_PHRASES takes them. Raises `BadFileError`."""
    to.write_text("".join(f"{phrase}\n" for phrase in collect_phrases(scripts, calls)))

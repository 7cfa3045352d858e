"""The phrases that rehearsal hearing listens for: those of the script that is played, and of the
simulated calls. More of them would be mistaken for each other."""

from pathlib import Path

from agent.yaml_file import BadFileError
from parley.scripted.matching import words_of
from parley.scripted.script import load_scripts
from sip.simulate.script import CallScript, ScriptError


def collect_phrases(scripts: Path, calls: Path, played: str = "receptionist") -> list[str]:
    """In lower case without punctuation, sorted, each once. `calls` may be missing. Where there is
    no script `played`, those of all scripts.

    Raises `BadFileError`, which says file, line and key.
    """
    known = load_scripts(scripts)
    chosen = [known[played]] if played in known else known.values()
    phrases = [phrase for script in chosen for phrase in script.phrases()]
    try:
        for path in calls.glob("*.yaml"):
            phrases += [turn.say for turn in CallScript.load(path).turns if turn.say]
    except ScriptError as error:
        raise BadFileError(str(error)) from error
    return sorted({" ".join(words) for phrase in phrases if (words := words_of(phrase))})


def write_phrases(scripts: Path, calls: Path, to: Path, played: str = "receptionist") -> None:
    """One phrase a line, as the engine's WHISPER_PHRASES takes them. Raises `BadFileError`."""
    to.write_text("".join(f"{phrase}\n" for phrase in collect_phrases(scripts, calls, played)))

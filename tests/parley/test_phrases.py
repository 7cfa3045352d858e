from pathlib import Path

import pocketsphinx
import pytest

from agent.yaml_file import BadFileError
from parley.phrases import collect_phrases, write_phrases

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "personas" / "scripts"
CALLS = ROOT / "tests" / "e2e" / "calls"


def test_every_word_that_callers_say_is_in_the_recognisers_dictionary() -> None:
    dictionary = Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"))
    known = {line.split(maxsplit=1)[0] for line in dictionary.read_text().splitlines()}
    said = {word for phrase in collect_phrases(SCRIPTS, CALLS) for word in phrase.split()}
    assert said - known == set()


def test_phrases_of_scripts_forms_and_calls_come_sorted_and_once(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts" / "one.yaml").write_text(
        """
greeting: Hello.
silence: Well?
unknown: No.
entries:
  - name: hours
    hears: ["When are you open?", "when are YOU open", "at ten o'clock"]
    says: Now.
  - name: book
    hears: [a table]
    form:
      fields:
        - {name: day, asks: When, again: When, options: [Monday], patterns: ["{}", "on {}"]}
      done: See you on {day}.
others: [what else]
"""
    )
    (tmp_path / "calls").mkdir()
    (tmp_path / "calls" / "x.yaml").write_text(
        "name: x\nturns: [{say: 'Zebra!', within: 1.0}, {play: a.wav}, {say: a table}]"
    )
    to = tmp_path / "phrases"
    write_phrases(tmp_path / "scripts", tmp_path / "calls", to)
    assert to.read_text().splitlines() == [
        "a table",
        "at ten o'clock",
        "monday",
        "on monday",
        "what else",
        "when are you open",
        "zebra",
    ]


def test_calls_may_be_missing_but_scripts_may_not(tmp_path: Path) -> None:
    assert "please break" in collect_phrases(SCRIPTS, tmp_path / "none")
    with pytest.raises(BadFileError, match="holds no script"):
        collect_phrases(tmp_path, CALLS)

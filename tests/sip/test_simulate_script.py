from pathlib import Path

import pytest

from sip.simulate.script import CallScript, ScriptError

CALLS = Path(__file__).parent.parent / "e2e" / "calls"


def script(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "call.yaml"
    path.write_text(text)
    return path


def test_a_call_is_turns_with_what_they_must_get(tmp_path: Path) -> None:
    call = CallScript.load(
        script(
            tmp_path,
            """
            name: story
            turns:
              - say: tell me a story
                within: 2.5
              - play: stop.wav
                barge_in: 2
                contains: [stopped]
            """,
        )
    )
    first, second = call.turns
    assert (first.say, first.voice, first.within, first.contains) == (
        "tell me a story",
        "rms",
        2.5,
        (),
    )
    assert second.play == tmp_path / "stop.wav"
    assert (second.barge_in, second.contains) == (2.0, ("stopped",))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("name: [", "not YAML"),
        ("- a", "call.yaml"),
        ("name: a\nturns: []", "turns"),
        ("name: a b\nturns: [{say: x}]", "name"),
        ("name: a\nturns: [{say: x, play: y}]", "either `say` or `play`"),
        ("name: a\nturns: [{voice: slt}]", "either `say` or `play`"),
        ("name: a\nturns: [{say: x, barge: 1}]", "turns.0.barge"),
        ("name: a\nturns: [{say: x, barge_in: 0}]", "turns.0.barge_in"),
        ("name: a\nturns: [{say: x, within: -1}]", "turns.0.within"),
        ("name: a\nturns: [{say: ''}]", "turns.0.say"),
    ],
)
def test_a_script_that_cannot_be_played_is_refused_by_its_field(
    tmp_path: Path, text: str, complaint: str
) -> None:
    with pytest.raises(ScriptError, match=complaint):
        CallScript.load(script(tmp_path, text))


def test_a_missing_script_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="cannot read the call script"):
        CallScript.load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("path", sorted(CALLS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_shipped_scripts_can_be_played(path: Path) -> None:
    assert CallScript.load(path).name == path.stem

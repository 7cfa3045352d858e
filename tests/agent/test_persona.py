from pathlib import Path

import pytest

from agent.persona import PersonaError, load_persona

SHIPPED = Path(__file__).parents[2] / "personas"

GOOD = """name: bob
instructions: Be brief.
greeting: Hello.
"""


def write(folder: Path, text: str) -> None:
    (folder / "bob.yaml").write_text(text)


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_shipped_persona_loads_and_speaks_no_markdown(path: Path) -> None:
    persona = load_persona(SHIPPED, path.stem)
    assert persona.name == path.stem
    assert not set("*#_`[") & set(persona.greeting)


def test_a_persona_needs_only_name_instructions_and_greeting(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    persona = load_persona(tmp_path, "bob")
    assert (persona.language, persona.voice, persona.model) == ("en", "default", None)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (GOOD + "greting: Hi.\n", r"bob\.yaml:4: greting: Extra"),
        (GOOD.replace("greeting: Hello.", "voice: anna"), r"bob\.yaml:1: greeting: Field required"),
        (GOOD.replace("Hello.", "' '"), r"bob\.yaml:3: greeting: String should have at least"),
        (GOOD.replace("Hello.", "yes"), r"bob\.yaml:3: greeting: Input should be a valid string"),
        (GOOD + "greeting: Again.\n", r"bob\.yaml:4: greeting: given twice"),
        (GOOD.replace("bob", "eve"), r"bob\.yaml:1: name: must be 'bob'"),
        ("name: [bob\n", r"bob\.yaml:2: not YAML"),
        ("", r"bob\.yaml:1: name: Field required"),
        ("- bob\n", r"bob\.yaml:1: Input should be"),
        (GOOD + "tools: &a [*a]\n", r"bob\.yaml: an alias in it stands for itself"),
        ("? [a, b]\n: c\n", r"bob\.yaml:1: a key must be"),
        (GOOD + "limits:\n  max_turn_words: '9'\n", r"bob\.yaml:5: limits\.max_turn_words: Input"),
        (GOOD + "limits:\n  max_turn_word: 9\n", r"bob\.yaml:5: limits\.max_turn_word: Extra"),
        (
            GOOD + "minds:\n  url: http://a/v1\n",
            r"bob\.yaml:4: minds: Input should be a valid tuple",
        ),
        (GOOD + "minds:\n- model: m\n  url: a/v1\n", r"bob\.yaml:6: minds\.0\.url: must be http"),
        (GOOD + "speech: {url: 'http://a/v1', model: m}\n", r"bob\.yaml:1: speech: needs a voice"),
        (
            GOOD + "minds: [{url: 'http://a/v1', model: m, realtime: true}]\n",
            r"bob\.yaml:1: speech and minds are not realtime",
        ),
        (
            GOOD + "ears: {url: 'http://a/v1', model: m, voice: v}\n",
            r"bob\.yaml:1: ears and minds have no voice",
        ),
        (
            GOOD + "speech: {url: 'http://a/v1', model: m, voice: b}\nvoice: c\n",
            r"bob\.yaml:1: voice is for the worker's own endpoint",
        ),
        (
            GOOD + "start_speaking_plan:\n  wait_seconds: 1\n  max_wait_seconds: 0.5\n",
            r"bob\.yaml:4: start_speaking_plan: max_wait_seconds must not",
        ),
        (GOOD + "tools:\n- type: end_call\n- type: wash\n", r"bob\.yaml:6: tools\.1\.type: "),
        (GOOD + "tools:\n- type: transfer\n", r"bob\.yaml:5: tools\.0\.transfers: Field req"),
    ],
)
def test_a_bad_file_is_refused_with_file_line_and_key(
    tmp_path: Path, text: str, complaint: str
) -> None:
    write(tmp_path, text)
    with pytest.raises(PersonaError, match=complaint):
        load_persona(tmp_path, "bob")


def test_a_complaint_repeats_nothing_out_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("name: bob", "name: SECRET!"))
    with pytest.raises(PersonaError) as caught:
        load_persona(tmp_path, "bob")
    assert "SECRET" not in str(caught.value)


def test_a_missing_persona_names_those_that_exist(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with pytest.raises(PersonaError, match=r"alice\.yaml: no such persona; there are: bob"):
        load_persona(tmp_path, "alice")

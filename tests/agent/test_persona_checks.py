"""What a persona names beside itself: files, secrets, variables."""

from pathlib import Path

import pytest

from agent.persona import PersonaError, load_persona

HEAD = "name: bob\ngreeting: Hello.\n"
GOOD = f"{HEAD}instructions: Be brief.\n"
MIND = "minds:\n- url: https://minds.example/v1\n  model: m\n  key: MINDS\n"
TOKEN = "A1b2" * 9


def load(folder: Path, text: str, **environment: str) -> str:
    """The instructions of the persona."""
    (folder / "bob.yaml").write_text(text)
    return load_persona(folder, "bob", environment).instructions


def test_instructions_may_lie_in_a_file_beside_the_persona(tmp_path: Path) -> None:
    (tmp_path / "bob.txt").write_text("You are Bob.\n")
    assert load(tmp_path, f"{HEAD}instructions_file: bob.txt\n") == "You are Bob."


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (f"{HEAD}instructions_file: eve.txt\n", r":3: instructions_file: no such file: .*eve\.txt"),
        (f"{HEAD}instructions_file: ../out.txt\n", r":3: instructions_file: must be in the folder"),
        (f"{HEAD}instructions_file: /etc/hosts\n", r":3: instructions_file: must be in the folder"),
        (f"{HEAD}instructions_file: empty.txt\n", r":3: instructions_file: .* is empty"),
        (f"{HEAD}instructions_file: token.txt\n", r"token\.txt: holds what looks like a secret"),
        (f"{HEAD}instructions_file: x.txt\n", r"x\.txt:2: unknown variable 'nmae'"),
        (f"{GOOD}instructions_file: empty.txt\n", r":1: needs one of instructions and instr"),
        (HEAD, r":1: needs one of instructions and instructions_file"),
        (f"{GOOD}stop_speaking_plan:\n  trailing_clip: a.wav\n", r":5: .*clip: no such file"),
        (f"{GOOD}stop_speaking_plan:\n  trailing_clip: x.txt\n", r":5: .*cannot be read as WAV"),
        (f"{GOOD}hold_music: ../out.txt\n", r":4: hold_music: must be in the folder"),
        (f"{GOOD}hold_music: x.txt\n", r":4: hold_music: .*cannot be read as sound"),
        (GOOD + MIND, r":7: minds\.0\.key: AGENT_SECRET_MINDS is not set in the environment"),
        (GOOD + MIND.replace("MINDS", "sk-live-1"), r":7: minds\.0\.key: String should match"),
        (GOOD + MIND.replace("MINDS", TOKEN), r":7: minds\.0\.key: looks like a secret"),
        (f"{HEAD}instructions: use Bearer abcdefgh1\n", r":3: instructions: looks like a secret"),
        (f"{HEAD}instructions: Call {{{{nmae}}}}.\n", r":3: instructions: unknown variable 'nmae'"),
        (f"{HEAD}instructions: Call {{{{Name}}}}.\n", r":3: instructions: `{{` begins a variable"),
        (f"{HEAD}instructions: Call {{{{name.\n", r":3: instructions: `{{` begins a variable"),
        (f"{GOOD}variables:\n  today: Monday\n", r":5: variables\.today: is known of every call"),
        (f"{GOOD}variables:\n  Date: Monday\n", r":5: variables\.Date.*: String should match"),
        (
            f"{GOOD}failure_plan:\n  goodbye_message: Bye {{{{today}}}}.\n",
            r":5: failure_plan\.goodbye_message: variables stand in greeting, instructions,",
        ),
        (
            f"{GOOD}failure_plan:\n  transfer_to: anna\n",
            r":5: failure_plan\.transfer_to: 'anna' is neither a number",
        ),
        (
            f"{GOOD}language: de-AT\nears:\n  url: http://a/v1\n  model: m\n  languages: [en, fr]\n",
            r":8: ears\.languages: 'de-AT', the persona's language, is not among them",
        ),
    ],
)
def test_what_is_not_there_or_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, text: str, complaint: str
) -> None:
    folder = tmp_path / "personas"
    folder.mkdir()
    (tmp_path / "out.txt").write_text("Outside.")
    (folder / "empty.txt").write_text("\n")
    (folder / "token.txt").write_text(f"Use {TOKEN}.")
    (folder / "x.txt").write_text("You are Bob.\nYou call {{nmae}}.")
    with pytest.raises(PersonaError, match=complaint) as caught:
        load(folder, text)
    assert TOKEN not in str(caught.value)


def test_what_is_there_and_fits_is_taken(tmp_path: Path) -> None:
    text = (
        f"{HEAD}instructions: 'Today is {{{{ today }}}}, you call {{{{who}}}}.'\nvariables: {{who: Ann}}\n"
        f"{MIND}speech: {{url: 'http://a/v1', model: m, voice: v, languages: [en-GB]}}\n"
        "tools:\n- type: transfer\n  transfers: {anna: '+15550100'}\n"
        "failure_plan: {transfer_to: anna}\n"
    )
    assert load(tmp_path, text, AGENT_SECRET_MINDS="s3cret").startswith("Today is")


@pytest.mark.parametrize(
    "text",
    [
        "Donaudampfschifffahrtsgesellschaftskapitaensmuetzen",
        "call 004930123456789012345678901234567890",
        "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
        "123e4567-e89b-12d3-a456-426614174000",
        "https://practice.example/appointments/2026/november/calendar.html",
        "the bearer of this letter, and a sk-4 screw",
    ],
)
def test_what_only_is_long_is_no_secret(tmp_path: Path, text: str) -> None:
    assert load(tmp_path, f"{HEAD}instructions: '{text}'\n") == text


def test_a_change_is_there_for_the_next_call(tmp_path: Path) -> None:
    before = load(tmp_path, GOOD)
    after = load(tmp_path, GOOD.replace("Be brief.", "Be kind."))
    assert (before, after) == ("Be brief.", "Be kind.")

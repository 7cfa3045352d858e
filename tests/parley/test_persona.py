"""`parley persona`, as typed."""

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from csm_engine.model import UnknownVoiceError
from parley.cli import app
from tests.csm_tts.conftest import KEY, app_of
from tests.csm_tts.tone import Tone
from tests.serving.running import running

GOOD = "name: {name}\ngreeting: Hello.\ninstructions: Be brief.\n"
NOBODY = "http://127.0.0.1:9"


class English(Tone):
    def check(self, voice: str, language: str) -> None:
        if language != "en":
            raise UnknownVoiceError("it speaks English alone")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("ada", "bob"):
        (tmp_path / f"{name}.yaml").write_text(GOOD.format(name=name))
    return tmp_path


def parley(folder: Path, *arguments: str, voice: str = NOBODY) -> Result:
    environment = {
        "PARLEY_ENV_FILE": str(folder / "none"),
        "AGENT_PERSONAS": str(folder),
        "AGENT_TTS__URL": voice,
        "AGENT_TTS__KEY": KEY,
    }
    return CliRunner().invoke(app, ["persona", *arguments], env=environment)


def test_good_personas_pass_and_it_is_said_what_could_not_be_asked(folder: Path) -> None:
    result = parley(folder, "check")
    assert result.exit_code == 0
    assert [line.partition(",")[0] for line in result.output.splitlines()] == ["ada: ok", "bob: ok"]
    assert "the voice could not be asked" in result.output


def test_a_bad_persona_fails_with_its_line_and_spares_the_others(folder: Path) -> None:
    with (folder / "bob.yaml").open("a") as file:
        file.write("greting: Hi.\n")
    result = parley(folder, "check")
    assert result.exit_code == 1
    assert f"bob: {folder}/bob.yaml:4: greting: Extra inputs" in result.output
    assert "ada: ok" in result.output
    assert parley(folder, "check", "ada").exit_code == 0


async def test_a_voice_that_cannot_speak_so_fails_in_json_too(folder: Path) -> None:
    (folder / "bob.yaml").write_text(GOOD.format(name="bob") + "language: de\n")
    engine, _ = app_of(English())
    async with running(engine) as server:
        result = await asyncio.to_thread(parley, folder, "check", "--json", voice=server.url)
    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "passed": 1,
        "failed": 1,
        "results": [
            {"persona": "ada", "ok": True, "problem": "", "note": ""},
            {
                "persona": "bob",
                "ok": False,
                "problem": "persona bob: language: the voice refuses: it speaks English alone",
                "note": "",
            },
        ],
    }


def test_a_folder_without_personas_is_no_success(tmp_path: Path) -> None:
    result = parley(tmp_path, "check")
    assert result.exit_code == 1
    assert f"{tmp_path}: holds no persona" in result.output


def test_a_name_that_is_nobody_s_fails(folder: Path) -> None:
    result = parley(folder, "check", "eve")
    assert result.exit_code == 1
    assert "no such persona; there are: ada, bob" in result.output


def test_the_list_names_all_the_bad_ones_too(folder: Path) -> None:
    (folder / "eve.yaml").write_text("name: eve\n")
    lines = parley(folder, "list").output.splitlines()
    assert lines[:2] == ["ada: en", "bob: en"]
    assert "eve.yaml:1: greeting: Field required" in lines[2]


def test_the_schema_is_json_for_an_editor(folder: Path) -> None:
    schema = json.loads(parley(folder, "schema").output)
    assert "greeting" in schema["properties"]

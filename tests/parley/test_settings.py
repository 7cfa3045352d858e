"""What a person reads when Parley's settings are wrong."""

from pathlib import Path

import pytest

from parley.settings import BadSettingsError, Settings, full_environment

GOOD = {
    "LIVEKIT_API_KEY": "APIkey",
    "LIVEKIT_API_SECRET": "s" * 48,
    "PARLEY_SIP_USERNAME": "parley",
    "PARLEY_SIP_PASSWORD": "p" * 24,
    "PARLEY_ENGINE_KEY": "k" * 48,
    "PATH": "/usr/bin",
}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"PARLEY_PROT_BASE": "1"}, "PARLEY_PROT_BASE is not a setting of Parley"),
        ({"PARLEY_PORT_BASE": "80"}, "bad setting PARLEY_PORT_BASE"),
        ({"PARLEY_PORT_BASE": "65400"}, "bad setting PARLEY_PORT_BASE"),
        ({"PARLEY_NUMBER": "0155"}, "bad setting PARLEY_NUMBER"),
        ({"PARLEY_SIP_PASSWORD": "tooshort"}, "bad setting PARLEY_SIP_PASSWORD"),
        ({"LIVEKIT_API_SECRET": "tooshort"}, "bad setting LIVEKIT_API_SECRET"),
    ],
)
def test_a_wrong_setting_is_named_and_its_value_is_not_shown(
    change: dict[str, str], sentence: str
) -> None:
    with pytest.raises(BadSettingsError, match=sentence) as raised:
        Settings.load(GOOD | change)
    assert "tooshort" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [name for name in GOOD if name != "PATH"])
def test_a_missing_secret_says_what_writes_it(name: str) -> None:
    without = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(BadSettingsError, match=f"{name} is not set: `make setup`"):
        Settings.load(without)


def test_secrets_stay_out_of_the_representation() -> None:
    shown = repr(Settings.load(GOOD))
    assert all(GOOD[name] not in shown for name in GOOD if name.endswith(("SECRET", "WORD")))


def test_the_environment_goes_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "env"
    file.write_text("PARLEY_PERSONA=from_file\nPARLEY_NUMBER=+15550111\n")
    monkeypatch.setenv("PARLEY_ENV_FILE", str(file))
    monkeypatch.setenv("PARLEY_PERSONA", "from_environment")
    settings = Settings.load(GOOD | full_environment())
    assert (settings.persona, settings.number) == ("from_environment", "+15550111")


def test_a_missing_file_of_secrets_says_what_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARLEY_ENV_FILE", str(tmp_path / "none"))
    with pytest.raises(BadSettingsError, match="none is missing: `make setup` writes it"):
        full_environment()

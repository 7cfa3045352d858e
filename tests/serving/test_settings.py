"""Settings of an engine: refused when wrong, in one line that names the key."""

import pytest
from pydantic import SecretStr, ValidationError

from csm_engine.config import Settings
from parley_serving import ListenSettings, load_settings


def test_beyond_loopback_a_key_is_needed() -> None:
    with pytest.raises(ValidationError, match="needs a key"):
        ListenSettings(host="0.0.0.0", port=1)
    assert ListenSettings(host="0.0.0.0", port=1, key=SecretStr("k")).host == "0.0.0.0"
    assert ListenSettings(host="::1", port=1).key is None


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "127.9.9.9"])
def test_loopback_needs_no_key(name: str) -> None:
    assert ListenSettings(host=name, port=1).key is None


def test_one_nested_setting_keeps_the_others_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CSM_LISTEN__KEY", "k")
    settings = load_settings(Settings)
    assert settings.listen.port == 8102
    assert settings.listen.key == SecretStr("k")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CSM_LISTEN__PORT", "http", "CSM_LISTEN__PORT"),
        ("CSM_LISTEN__PRT", "8102", "CSM_LISTEN__PRT"),
        ("CSM_LISTEN__HOST", "0.0.0.0", "needs a key"),
        ("CSM_DEVICE", "tpu", "CSM_DEVICE"),
        ("CSM_STAL", "3", "CSM_STAL"),
    ],
)
def test_a_bad_setting_refuses_to_start_and_says_which(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    name: str,
    value: str,
    said: str,
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as raised:
        load_settings(Settings)
    assert raised.value.code == 2
    assert said in capsys.readouterr().err


def test_variables_that_are_no_settings_may_have_the_prefix(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CSM_SECRET_SHELF", "s")
    with pytest.raises(SystemExit):
        load_settings(Settings)
    load_settings(Settings, besides="CSM_SECRET_")

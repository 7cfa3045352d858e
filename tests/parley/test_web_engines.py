"""The overview asks those engines that the worker was told of."""

from pathlib import Path

from parley.ports import Ports
from parley.settings import Settings
from parley.web_engines import engines_of
from tests.stack import environment_for


def test_the_engines_of_this_machine_are_asked_with_their_key(tmp_path: Path) -> None:
    environment = environment_for(tmp_path)
    settings, ports = Settings.load(environment), Ports()
    found = {each.name: each for each in engines_of(settings, ports, environment)}
    assert {name: each.url for name, each in found.items()} == {
        "worker": "http://127.0.0.1:8104",
        "ears": "http://127.0.0.1:8101",
        "mind": "http://127.0.0.1:8103/v1",
        "voice": "http://127.0.0.1:8102",
    }
    assert found["ears"].key == found["mind"].key == settings.engine_key
    assert found["worker"].key is None


def test_engines_elsewhere_are_asked_with_keys_of_their_own(tmp_path: Path) -> None:
    environment = environment_for(tmp_path) | {
        "AGENT_STT__URL": "https://ears.example.com",
        "AGENT_LLM__URL": "https://mind.example.com/v1",
        "AGENT_LLM__KEY": "theirs",
        "AGENT_HEALTH_KEY": "health",
    }
    settings = Settings.load(environment)
    found = {each.name: each for each in engines_of(settings, Ports(), environment)}
    assert (found["ears"].url, found["ears"].key) == ("https://ears.example.com", None)
    mind, worker = found["mind"], found["worker"]
    assert mind.key is not None
    assert (mind.url, mind.key.get_secret_value()) == ("https://mind.example.com/v1", "theirs")
    assert worker.key is not None
    assert worker.key.get_secret_value() == "health"
    assert (mind.kind, worker.kind) == ("mind", "worker")

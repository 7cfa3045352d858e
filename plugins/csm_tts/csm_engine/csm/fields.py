"""Typed reading of a config.json: each wrong or missing value names its key."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """A model's config.json cannot be used as it stands."""


class Fields:
    """One section of a config, with the place it has in the file."""

    def __init__(self, values: Mapping[str, Any], where: str) -> None:
        self.values = values
        self.where = where

    @classmethod
    def of_file(cls, path: Path) -> "Fields":
        """Raises ConfigError for a file that is missing or holds no JSON object."""
        try:
            values = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise ConfigError(
                f"{path} does not exist: name the folder that holds the model's config.json"
            ) from None
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise ConfigError(f"{path} is not JSON ({error}): fetch it again") from None
        if not isinstance(values, dict):
            raise ConfigError(f"{path} holds no JSON object: fetch it again")
        return cls(values, str(path))

    def section(self, key: str) -> "Fields":
        value = self._value(key)
        if not isinstance(value, Mapping):
            raise self.error(key, "an object", value)
        return Fields(value, f"{self.where}: {key}")

    def integer(self, key: str, *, minimum: int = 1, default: int | None = None) -> int:
        value = self._value(key, default)
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise self.error(key, f"an integer ≥ {minimum}", value)
        return value

    def number(self, key: str) -> float:
        value = self._value(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or value <= 0:
            raise self.error(key, "a number > 0", value)
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise self.error(key, "true or false", value)
        return value

    def integers(self, key: str) -> tuple[int, ...]:
        value = self._value(key)
        if not isinstance(value, list) or not all(type(n) is int and n > 0 for n in value):
            raise self.error(key, "a list of integers > 0", value)
        return tuple(value)

    def expect(self, key: str, *supported: object, default: object) -> Any:
        """The value of a key of which only some values are supported."""
        value = self.values.get(key, default)
        if value not in supported:
            raise self.error(key, " or ".join(map(repr, supported)), value)
        return value

    def error(self, key: str, wanted: str, value: object) -> ConfigError:
        return ConfigError(f"{self.where}: {key} must be {wanted}, not {value!r}")

    def _value(self, key: str, default: Any = None) -> Any:
        value = self.values.get(key)
        if value is None:
            value = default
        if value is None:
            raise ConfigError(f"{self.where}: {key} is missing")
        return value

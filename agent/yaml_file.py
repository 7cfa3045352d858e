"""Reads a YAML file into a pydantic model; what is wrong with it is said with file, line and key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

ModelT = TypeVar("ModelT", bound=BaseModel)
Place = tuple[int | str, ...]


class BadFileError(ValueError):
    """The file cannot be used; the message is one sentence: `FILE:LINE: KEY: what is wrong`."""


def read_yaml(path: Path, model: type[ModelT]) -> ModelT:
    """One document, one model. Raises `BadFileError`."""
    return Document.read(path).validated(model)


@dataclass(frozen=True)
class Document:
    """A file's content, and on which line each key and list item of it stands."""

    path: Path
    data: Any
    lines: Mapping[Place, int]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Keys given twice are refused, for YAML keeps only the last. Raises `BadFileError`."""
        try:
            loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise BadFileError(f"{path}: cannot be read: {error}") from error
        try:
            node = loader.get_single_node()
            lines = dict(_lines(node, (), path)) if node else {}
            data = loader.construct_document(node) if node else {}
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            where = f":{mark.line + 1}" if mark else ""
            raise BadFileError(f"{path}{where}: not YAML: {error.problem}") from error
        except RecursionError:
            raise BadFileError(f"{path}: an alias in it stands for itself") from None
        finally:
            loader.dispose()
        return cls(path, data, lines)

    def validated(self, model: type[ModelT]) -> ModelT:
        """Raises `BadFileError`; the message repeats no value but where the model's own check does."""
        try:
            return model.model_validate(self.data)
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            raise self.error(first["loc"], first["msg"].removeprefix("Value error, ")) from error

    def error(self, place: Sequence[int | str], problem: str) -> BadFileError:
        """What is wrong with `place`; its line is that of the nearest key that is there."""
        key = ".".join(str(part) for part in place)
        known = tuple(place)
        while known and known not in self.lines:
            known = known[:-1]
        where = f"{self.path}:{self.lines.get(known, 1)}"
        return BadFileError(f"{where}: {key}: {problem}" if key else f"{where}: {problem}")


def _lines(node: yaml.Node, place: Place, path: Path) -> Iterator[tuple[Place, int]]:
    """Where each key and each list item stands, counted from 1."""
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, child in enumerate(node.value):
            yield from _lines(child, (*place, index), path)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, child in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise BadFileError(f"{path}:{line}: a key must be a single word")
            if key.value in seen:
                raise BadFileError(f"{path}:{line}: {key.value}: given twice")
            seen.add(key.value)
            for inner, inner_line in _lines(child, (*place, key.value), path):
                yield inner, line if inner == (*place, key.value) else inner_line

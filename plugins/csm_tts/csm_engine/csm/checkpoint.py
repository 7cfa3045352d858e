"""The safetensors files of a folder: which tensors they hold, and each one's reading.

Pickled checkpoints (`.bin`, `.pt`) are not read: opening one runs what is written in it.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from csm_engine.csm.census import Shape

INDEXES = ("transformers.safetensors.index.json", "model.safetensors.index.json")
"""The first is CSM-1B's: its `model.safetensors` is the original layout, whose RoPE differs."""

SINGLE = "model.safetensors"

SHOWN = 3
"""Names of an error's message; the rest are counted."""


class WeightsError(ValueError):
    """The weights in a folder are missing, damaged, or not this model's."""


class Checkpoint:
    """Tensors by name, wherever they lie. Only headers are read until `read`."""

    def __init__(self, shapes: Mapping[str, Shape], files: Mapping[str, Path]) -> None:
        self.shapes = shapes
        self._files = files

    @classmethod
    def of(cls, folder: Path) -> "Checkpoint":
        """Raises WeightsError for no weights, a missing shard or a file that cannot be read."""
        shapes: dict[str, Shape] = {}
        files: dict[str, Path] = {}
        for path in _files(folder):
            for name, shape in _header(path).items():
                if name in files:
                    raise WeightsError(f"{name} is in {files[name].name} and in {path.name}")
                shapes[name], files[name] = shape, path
        return cls(shapes, files)

    def read(self, name: str) -> torch.Tensor:
        """One tensor as it is stored. Raises WeightsError when its numbers are not floats."""
        with safe_open(self._files[name], framework="pt") as file:
            tensor: torch.Tensor = file.get_tensor(name)
        if not tensor.dtype.is_floating_point:
            raise WeightsError(f"{name} holds {tensor.dtype}: quantised weights are not supported")
        return tensor

    def check(self, expected: Mapping[str, Shape], *, optional: frozenset[str]) -> None:
        """Raise WeightsError unless the tensors are those, each in its shape.

        Of the `optional` ones at least one must be there: they are names of one tensor.
        """
        missing = [name for name in expected if name not in self.shapes and name not in optional]
        if optional and not optional & self.shapes.keys():
            missing.append(" or ".join(sorted(optional)))
        unknown = [name for name in self.shapes if name not in expected]
        if missing or unknown:
            raise WeightsError(_difference(missing, unknown))
        for name, shape in self.shapes.items():
            if shape != expected[name]:
                raise WeightsError(
                    f"{name} has shape {shape}, the config asks for {expected[name]}:"
                    " config.json and the weights are of different models"
                )


def _difference(missing: list[str], unknown: list[str]) -> str:
    parts = [
        f"{len(names)} tensors are {what}, such as {', '.join(sorted(names)[:SHOWN])}"
        for names, what in ((missing, "missing"), (unknown, "unknown"))
        if names
    ]
    if any(name.startswith(("backbone.", "decoder.", "text_embeddings")) for name in unknown):
        parts.append(
            "this is the original layout: take the repository's transformers-*.safetensors"
        )
    else:
        parts.append("config.json and the weights must be of one model, in transformers' format")
    return "; ".join(parts)


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise WeightsError(f"{folder} is not a folder")
    for index in INDEXES:
        if (folder / index).is_file():
            return _shards(folder / index)
    if (folder / SINGLE).is_file():
        return [folder / SINGLE]
    if any(folder.glob("*.bin")) or any(folder.glob("*.pt")):
        raise WeightsError(f"{folder} has pickled weights only: fetch the .safetensors files")
    raise WeightsError(
        f"{folder} has no weights (no {SINGLE}, no {INDEXES[0]}): was the download refused?"
        " CSM-1B's licence must be accepted first"
    )


def _shards(index: Path) -> list[Path]:
    try:
        names = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (ValueError, KeyError, AttributeError, TypeError):
        raise WeightsError(f"{index} is not an index of weights: fetch it again") from None
    paths = [index.parent / name for name in names]
    if missing := [path.name for path in paths if not path.is_file()]:
        raise WeightsError(
            f"{index.parent} lacks {', '.join(missing)}: fetch the rest of the model"
        )
    return paths


def _header(path: Path) -> dict[str, Shape]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except SafetensorError as error:
        size = path.stat().st_size
        raise WeightsError(
            f"{path} cannot be read ({error}; {size} bytes): fetch it again, whole"
        ) from None

"""A figure, and how it is known."""

from dataclasses import dataclass
from enum import StrEnum


class Origin(StrEnum):
    MEASURED = "measured"
    """By a bench, on the machine that its source names."""
    COUNTED = "counted"
    """From a model's dimensions."""
    ESTIMATED = "estimated"
    """From operations, bytes and data sheets, or from somebody else's measurement."""
    ASSUMED = "assumed"


@dataclass(frozen=True)
class Source:
    """`where`: a file, a document's section, or the rule."""

    origin: Origin
    where: str

    def to_json(self) -> dict[str, str]:
        return {"origin": self.origin, "where": self.where}


@dataclass(frozen=True)
class Bytes:
    """A part of the budget. A GPU's, unless the plan says otherwise."""

    what: str
    size: int
    source: Source

    def to_json(self) -> dict[str, object]:
        return {"what": self.what, "bytes": self.size, "source": self.source.to_json()}


GIB = 2**30
MIB = 2**20


def gib(size: float) -> str:
    return f"{size / GIB:.1f} GiB"

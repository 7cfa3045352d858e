"""Search in a folder of documents: passages with their sources, by SQLite's full text index."""

import re
import sqlite3
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

from livekit.agents import RunContext
from pydantic import Field

from agent.tools.guard import Arguments, ToolFailure, Work, in_thread
from agent.tools.kinds import Knowledge

LIMIT = 5.0
"""Seconds for a search, the first of which reads the documents."""

PASSAGE = 800
"""Characters of a passage at most, its heading apart."""
ENOUGH = 300
"""Characters after which a paragraph's end is a passage's."""

LARGEST = 20_000_000
"""Characters of all documents together; what comes after is not read."""

ENDINGS = frozenset({".md", ".txt"})


class Question(Arguments):
    query: str = Field(min_length=1, max_length=300, description="The words to look for.")


def passages(text: str) -> Iterator[str]:
    """Paragraphs, short ones together, each under the heading that it stands under. Pure."""
    heading, held = "", ""
    for line in (*text.splitlines(), "#"):
        piece = " ".join(line.split())
        if piece.startswith("#") or (not piece and len(held) >= ENOUGH):
            yield from (f"{heading}\n{part}".strip() for part in textwrap.wrap(held, PASSAGE))
            held = ""
        if piece.startswith("#"):
            heading = piece.lstrip("# ")
        else:
            held = f"{held} {piece}".strip()


class Shelf:
    """The documents of a folder, read at the first search. Blocking; one search at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index: sqlite3.Connection | None = None
        self._lock = threading.Lock()

    def search(self, query: str, count: int) -> list[dict[str, str]]:
        """The best passages first; words that are in none are not missed."""
        words = re.findall(r"\w+", query)
        if not words:
            return []
        wanted = " OR ".join(f'"{word}"' for word in words)
        with self._lock:
            if self._index is None:
                self._index = self._read()
            rows = self._index.execute(
                "SELECT source, text FROM shelf WHERE shelf MATCH ? ORDER BY rank LIMIT ?",
                (wanted, count),
            ).fetchall()
        return [{"source": source, "text": text} for source, text in rows]

    def _read(self) -> sqlite3.Connection:
        index = sqlite3.connect(":memory:", check_same_thread=False)
        index.execute(
            "CREATE VIRTUAL TABLE shelf USING fts5(source UNINDEXED, text, "
            "tokenize='unicode61 remove_diacritics 2')"
        )
        read = 0
        for path in documents(self._folder):
            text = path.read_text(encoding="utf-8", errors="replace")[: LARGEST - read]
            read += len(text)
            source = str(path.relative_to(self._folder))
            rows = [(source, passage) for passage in passages(text)]
            index.executemany("INSERT INTO shelf VALUES (?, ?)", rows)
        return index


def documents(folder: Path) -> list[Path]:
    """Not what is hidden, and nothing that a link leads to outside the folder."""
    inside = folder.resolve()
    return sorted(
        path
        for path in folder.rglob("*")
        if path.suffix.lower() in ENDINGS
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and path.resolve().is_relative_to(inside)
        and path.is_file()
    )


def searching(declared: Knowledge, folder: Path) -> Work:
    shelf = Shelf(folder / declared.folder)

    async def search(_: RunContext[None], question: Question) -> object:
        found = await in_thread(shelf.search, question.query, declared.passages)
        if not found:
            raise ToolFailure("nothing_found", "No document says anything about it. Say so.")
        return {"found": found}

    about = declared.description or "Search the documents for what you do not know."
    about += " Answer from the passages alone, and name the source."
    return Work(declared.name, about, Question, search, limit=LIMIT)

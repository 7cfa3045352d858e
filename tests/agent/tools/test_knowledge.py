"""Search in documents."""

from pathlib import Path

import pytest

from agent.tools.knowledge import PASSAGE, Shelf, documents, passages
from tests.agent.tools.scene import ToolScene, use
from tests.fakes.virtual_time import on_virtual_time

PRICES = """# Prices
A check-up costs 45 dollars.

# Cancelling
Tell us a day ahead.
Later than that, half the price is due.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    papers = tmp_path / "papers"
    (papers / "more").mkdir(parents=True)
    (papers / "prices.md").write_text(PRICES)
    (papers / "more" / "parking.txt").write_text("Parking is behind the house. Entrée: côté mer.")
    (papers / "image.png").write_bytes(b"parking")
    (papers / ".hidden.md").write_text("Parking password.")
    (tmp_path / "secret.md").write_text("Parking secret.")
    (papers / "link.md").symlink_to(tmp_path / "secret.md")
    return papers


def test_a_passage_stands_under_its_heading() -> None:
    assert list(passages(PRICES)) == [
        "Prices\nA check-up costs 45 dollars.",
        "Cancelling\nTell us a day ahead. Later than that, half the price is due.",
    ]


def test_a_long_text_is_cut_and_loses_no_word() -> None:
    words = [f"word{number}" for number in range(1000)]
    cut = list(passages(" ".join(words)))
    assert max(len(piece) for piece in cut) <= PASSAGE
    assert " ".join(cut).split() == words


@pytest.mark.parametrize("text", ["", "\n\n", "# A heading alone"])
def test_where_nothing_is_said_is_no_passage(text: str) -> None:
    assert list(passages(text)) == []


def test_what_is_hidden_or_elsewhere_is_no_document(folder: Path) -> None:
    names = [path.name for path in documents(folder)]
    assert names == ["parking.txt", "prices.md"]


@pytest.mark.parametrize(
    ("query", "source"),
    [
        ("What does a check-up cost?", "prices.md"),
        ("PARKING", "more/parking.txt"),
        ("entree cote", "more/parking.txt"),
        ('"parking" AND (', "more/parking.txt"),
    ],
)
def test_the_best_passage_comes_with_its_source(folder: Path, query: str, source: str) -> None:
    assert Shelf(folder).search(query, 3)[0]["source"] == source


@pytest.mark.parametrize("query", ["xylophone", "???", "NEAR(", "*", "secret password"])
def test_what_is_nowhere_is_not_found(folder: Path, query: str) -> None:
    assert Shelf(folder).search(query, 3) == []


def test_no_more_passages_than_asked_for(folder: Path) -> None:
    assert len(Shelf(folder).search("a the is house day", 1)) == 1


def test_a_model_gets_passages_and_sources(folder: Path) -> None:
    @on_virtual_time
    async def call() -> None:
        tools = [{"type": "knowledge", "folder": "papers"}]
        uses = [
            use("search_documents", query="check-up"),
            use("search_documents", query="xylophone"),
            use("search_documents", query="secret", folder="/"),
        ]
        async with ToolScene(tools, uses, folder=folder.parent) as scene:
            await scene.session.generate_reply(user_input="What does a check-up cost?")
            found, missing, refused = scene.results()
            assert found["found"][0]["source"] == "prices.md"
            assert missing["error"] == "nothing_found"
            assert refused["error"] == "bad_arguments"

    call()

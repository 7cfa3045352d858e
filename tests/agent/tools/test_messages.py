"""Messages written down, by several calls at once and into a file that may be damaged."""

import json
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.tools.guard import ToolFailure
from agent.tools.message import Message, write
from tests.agent.tools.scene import ToolScene, use
from tests.fakes.virtual_time import on_virtual_time

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
ANN = Message(text="Please call.\nIt is urgent.", name="Ann", callback="five five five")


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_message_is_one_line_with_its_call_that_its_owner_alone_reads(tmp_path: Path) -> None:
    path = tmp_path / "inbox" / "messages.jsonl"
    write(path, ANN, "c1", NOW, 10_000)
    write(path, Message(text="Hello.", name="Bob"), "c2", NOW, 10_000)
    assert lines(path)[0] == {
        "at": "2026-11-23T09:30:00+00:00",
        "call": "c1",
        "text": "Please call.\nIt is urgent.",
        "name": "Ann",
        "callback": "five five five",
    }
    assert lines(path)[1]["call"] == "c2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_full_file_takes_no_more_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    write(path, ANN, "c1", NOW, 300)
    before = path.read_bytes()
    with pytest.raises(ToolFailure) as caught:
        write(path, Message(text="x" * 200, name="Bob"), "c2", NOW, 300)
    assert caught.value.kind == "full"
    assert path.read_bytes() == before


def test_what_a_crash_left_unfinished_spoils_no_other_message(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    path.write_text('{"at": "2026')
    write(path, ANN, "c1", NOW, 10_000)
    damaged, whole = path.read_text().splitlines()
    assert damaged == '{"at": "2026'
    assert json.loads(whole)["name"] == "Ann"


def test_many_at_once_are_all_written(tmp_path: Path) -> None:
    path = tmp_path / "messages.jsonl"
    callers = [
        threading.Thread(target=write, args=(path, ANN, f"c{number}", NOW, 100_000))
        for number in range(20)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert {line["call"] for line in lines(path)} == {f"c{number}" for number in range(20)}


def test_a_model_takes_a_message(tmp_path: Path) -> None:
    @on_virtual_time
    async def call() -> None:
        tools = [{"type": "take_message", "folder": "inbox"}]
        wishes = [
            use("take_message", name="Ann", text="Call me.", path="/etc/passwd"),
            use("take_message", name="Ann", text="Call me."),
        ]
        async with ToolScene(tools, wishes, folder=tmp_path) as scene:
            await scene.session.generate_reply(user_input="Tell them to call me.")
            refused, done = scene.results()
            assert refused["error"] == "bad_arguments"
            assert done == {"status": "written down"}

    call()
    (line,) = lines(tmp_path / "inbox" / "messages.jsonl")
    assert (line["name"], line["text"], line["call"]) == ("Ann", "Call me.", "c1")

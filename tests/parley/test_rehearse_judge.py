"""A judge at a real socket, which says yes, no, or nothing that can be used."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from parley.rehearse.check import Check
from parley.rehearse.judge import Judge
from parley.rehearse.record import Heard, Record
from parley.rehearse.text import checked

QUESTION = Check(judge="Is the agent polite?")


@contextmanager
def judging(answer: str | None) -> Iterator[tuple[Judge, list[dict[str, Any]]]]:
    """A judge who always says this, or fails, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(400 if answer is None else 200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            message = {"role": "assistant", "content": answer}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            head = {"id": "1", "object": "chat.completion", "created": 0, "model": "judge"}
            self.wfile.write(json.dumps({**head, "choices": [choice]}).encode())

        def log_message(self, format: str, *args: Any) -> None:
            """The test's output is no access log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Judge(f"http://127.0.0.1:{server.server_port}/v1", "judge", "key"), asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        ("Yes, it greets the caller.", "passed", None),
        ("yes", "passed", None),
        ("No, it shouts.", "failed", "No, it shouts."),
        ("", "failed", "the judge said nothing"),
        (None, "failed", "the judge could not be asked: BadRequestError"),
    ],
)
def test_a_judge_decides_by_its_first_word(
    answer: str | None, status: str, why: str | None
) -> None:
    with judging(answer) as (judge, _):
        result = checked(QUESTION, Record(), judge)
    assert (result.status, result.why) == (status, why)


def test_a_judge_gets_the_question_and_the_words_of_the_call() -> None:
    with judging("yes") as (judge, asked):
        checked(QUESTION, Record(heard=[Heard(1.0, "Good day.")]), judge)
    assert asked[0]["model"] == "judge"
    assert asked[0]["messages"][-1]["content"] == (
        "Is the agent polite?\n\nTranscript:\nagent: Good day."
    )


def test_nobody_there_to_judge_fails_the_check() -> None:
    result = checked(QUESTION, Record(), Judge("http://127.0.0.1:9/v1", "judge", "key"))
    assert (result.status, result.why) == (
        "failed",
        "the judge could not be asked: APIConnectionError",
    )

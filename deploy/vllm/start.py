"""vLLM for the telephone: `python start.py MODEL [flags of vLLM, as `parley plan` writes them]`.

Runs `vllm serve` with what a call wants, asks it once when it is up, and says so at
http://HOST:READY_PORT/ready: 503 until a warm answer has come, then 200 as long as vLLM is healthy.
Standard library only. VLLM_API_KEY is vLLM's own: the key that clients must send.
"""

import argparse
import ipaddress
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TEMPLATE = Path(__file__).resolve().parent / "gemma3_telephone.jinja"
LONGEST_ANSWER = 400
"""Tokens: two minutes of speech, and the arguments of any function."""

EVERY = 1.0
"""Seconds between looks at a vLLM that is not up yet."""

PATIENCE = 60.0
"""Seconds for the warm answer: the first one compiles."""

QUEUED = 4
"""Requests a sequence, running or waiting; more get 503 at once."""

STARTED, REFUSED = 0, 2
OK, UNAVAILABLE = 200, 503


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("model", help="a hub id, or a folder")
    parser.add_argument("--host", default="127.0.0.1", help="that vLLM listens on")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--ready-host", default="127.0.0.1", help="that /ready listens on")
    parser.add_argument("--ready-port", type=int, default=8105)
    parser.add_argument(
        "--warm",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="instructions to read beforehand, so that no first caller waits for them",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the command and end")
    return parser.parse_known_args(arguments)


def command(options: argparse.Namespace, given: Sequence[str]) -> list[str]:
    """What is given goes before what the telephone wants."""
    wanted: dict[str, str | None] = {
        "--host": options.host,
        "--port": str(options.port),
        "--enable-prefix-caching": None,
        "--enable-chunked-prefill": None,
        "--scheduling-policy": "priority",
        "--override-generation-config": json.dumps({"max_new_tokens": LONGEST_ANSWER}),
        "--max-num-queued-reqs": str(QUEUED * int(_value(given, "--max-num-seqs", "64"))),
    }
    if "gemma-3" in options.model.lower():
        wanted |= {
            "--language-model-only": None,
            "--enable-auto-tool-choice": None,
            "--tool-call-parser": "pythonic",
            "--chat-template": str(TEMPLATE),
        }
    named = {word.partition("=")[0] for word in given}
    words = ["vllm", "serve", options.model, *given]
    for flag, value in wanted.items():
        if flag not in named:
            words += [flag] if value is None else [flag, value]
    return words


def fault(options: argparse.Namespace, environment: Mapping[str, str]) -> str | None:
    """Why it is not started; None if nothing is against it."""
    if not _is_loopback(options.host) and not environment.get("VLLM_API_KEY"):
        return f"--host {options.host} can be reached by others: set VLLM_API_KEY"
    for file in options.warm:
        if not file.is_file():
            return f"--warm {file}: there is no such file"
    return None


class Vllm:
    """As its clients see it."""

    def __init__(self, options: argparse.Namespace, model: str, key: str) -> None:
        host = "127.0.0.1" if options.host == "0.0.0.0" else options.host
        self._url = f"http://{host}:{options.port}"
        self._model = model
        self._key = key
        self.warm = threading.Event()

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self._url}/health", timeout=EVERY) as reply:
                return bool(reply.status == OK)
        except OSError:
            return False

    def ask(self, instructions: str) -> None:
        """For one token. Raises OSError."""
        body = {
            "model": self._model,
            "messages": [
                {"role": "system", "content": instructions},
                {"role": "user", "content": "(the call is connected)"},
            ],
            "max_completion_tokens": 1,
        }
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
        request = urllib.request.Request(
            f"{self._url}/v1/chat/completions", json.dumps(body).encode(), headers
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as reply:
            reply.read()


def _answering(vllm: Vllm) -> type[BaseHTTPRequestHandler]:
    class Ready(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there = self.path == "/ready"
            fine = vllm.warm.is_set() and vllm.healthy()
            self.send_response(404 if not there else OK if fine else UNAVAILABLE)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *_: object) -> None:
            """Probes are no news."""

    return Ready


def _warm_up(vllm: Vllm, texts: Sequence[str], process: "subprocess.Popen[bytes]") -> None:
    """On a thread of its own: until every text has been answered, or vLLM has ended."""
    while process.poll() is None:
        try:
            if vllm.healthy():
                for text in texts:
                    vllm.ask(text)
                vllm.warm.set()
                return
        except urllib.error.HTTPError as error:
            _say(f"vLLM refuses the warm-up: {error.code} {error.reason}")
        except OSError as error:
            _say(f"vLLM does not answer yet: {error}")
        time.sleep(EVERY)


def run(options: argparse.Namespace, given: Sequence[str], environment: Mapping[str, str]) -> int:
    """Until vLLM ends; returns its status. A signal is passed on."""
    try:
        process = subprocess.Popen(command(options, given), env=dict(environment))
    except FileNotFoundError:
        _say("vllm is not installed: `uv sync --locked` in deploy/vllm")
        return REFUSED
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda its, _: process.send_signal(its))
    model = _value(given, "--served-model-name", options.model)
    vllm = Vllm(options, model, environment.get("VLLM_API_KEY", ""))
    texts = [file.read_text() for file in options.warm] or ["You answer the telephone."]
    with ThreadingHTTPServer((options.ready_host, options.ready_port), _answering(vllm)) as ready:
        threads = [
            threading.Thread(target=ready.serve_forever, daemon=True),
            threading.Thread(target=_warm_up, args=(vllm, texts, process), daemon=True),
        ]
        for thread in threads:
            thread.start()
        status = process.wait()
        ready.shutdown()
    return status if status >= 0 else 128 - status


def main(arguments: Sequence[str]) -> int:
    options, given = parse(arguments)
    if why := fault(options, os.environ):
        _say(why)
        return REFUSED
    if options.dry_run:
        sys.stdout.write(f"{json.dumps(command(options, given))}\n")
        return STARTED
    return run(options, given, os.environ)


def _say(message: str) -> None:
    sys.stderr.write(f"{message}\n")


def _value(given: Sequence[str], flag: str, default: str) -> str:
    words = list(given)
    return words[words.index(flag) + 1] if flag in words[:-1] else default


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

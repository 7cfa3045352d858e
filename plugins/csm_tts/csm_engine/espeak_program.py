"""espeak-ng as a program of its own: requests on stdin, speech on stdout.

The library is GPL-3 and keeps its state in globals, so it lives here alone, in a process that imports
nothing of the engine's. Run by `csm_engine.espeak`:

- stdin: one JSON object a line, `{"id", "text", "language"}` to speak, `{"cancel": id}` to stop.
- stdout: records of `HEADER` (kind, id, length) and `length` bytes. Kinds: READY (the sample rate in
  decimal, once), AUDIO (s16le mono), DONE, FAILED (a sentence in UTF-8).

It ends when stdin does.
"""

import ctypes
import json
import os
import select
import signal
import struct
import sys
from collections import deque
from typing import Any

HEADER = struct.Struct("<cII")
READY, AUDIO, DONE, FAILED = b"r", b"a", b"d", b"f"
CHUNK_MS = 60

_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000
_BY_CHARACTER = 1
_UTF8 = 1

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


def main() -> None:
    # Ctrl-C reaches the whole terminal group: the engine decides when this ends, by closing stdin.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        voice = _Voice()
    except OSError as error:
        _write(FAILED, 0, str(error).encode())
        sys.exit(1)
    _write(READY, 0, str(voice.rate).encode())
    requests = _Requests()
    while (request := requests.next()) is not None:
        problem = voice.speak(request, requests)
        _write(FAILED if problem else DONE, request["id"], (problem or "").encode())


class _Requests:
    """Lines of stdin, read without a buffer that `select` cannot see."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._ended = False

    def next(self) -> dict[str, Any] | None:
        """The next sentence to speak; None at the end of stdin."""
        while True:
            while self._lines:
                request: dict[str, Any] = json.loads(self._lines.popleft())
                if "cancel" not in request:
                    return request
            if self._ended:
                return None
            self._read()

    def cancelled(self, id: int) -> bool:
        while not self._ended and select.select([0], [], [], 0)[0]:
            self._read()
        return self._ended or any(json.loads(line).get("cancel") == id for line in self._lines)

    def _read(self) -> None:
        got = os.read(0, 65_536)
        self._ended = not got
        *lines, self._rest = (self._rest + got).split(b"\n")
        self._lines.extend(lines)


class _Voice:
    """The library. Raises OSError where there is none that works."""

    def __init__(self) -> None:
        library, data = _find()
        self._library = ctypes.CDLL(library)
        self.rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, CHUNK_MS, data, _DO_NOT_EXIT)
        if self.rate <= 0:
            raise OSError("espeak-ng found no voices")
        self._heard = _Callback(self._on_audio)
        self._library.espeak_SetSynthCallback(self._heard)
        self._now: tuple[int, _Requests] | None = None

    def speak(self, request: dict[str, Any], requests: _Requests) -> str | None:
        """Write the sentence's sound; what went wrong, if anything."""
        if self._library.espeak_SetVoiceByName(request["language"].encode()):
            return f"espeak-ng has no voice for the language {request['language']}"
        text = request["text"].replace("\0", " ").encode()
        self._now = request["id"], requests
        if self._library.espeak_Synth(text, len(text) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None):
            return "espeak-ng did not take the text"
        return None

    def _on_audio(self, samples: Any, count: int, _events: object) -> int:
        """Called by the library every CHUNK_MS of speech; 1 stops it."""
        if self._now is None or not samples or count <= 0:
            return 0
        id, requests = self._now
        if requests.cancelled(id):
            return 1
        try:
            _write(AUDIO, id, ctypes.string_at(samples, count * 2))
        except BrokenPipeError:
            return 1
        return 0


def _find() -> tuple[str, bytes | None]:
    """Library and data folder: of the wheel `espeakng_loader`, or else the system's."""
    try:
        import espeakng_loader  # noqa: PLC0415 - optional
    except ImportError:
        return ("libespeak-ng.dylib" if sys.platform == "darwin" else "libespeak-ng.so.1"), None
    return espeakng_loader.get_library_path(), espeakng_loader.get_data_path().encode()


def _write(kind: bytes, id: int, payload: bytes) -> None:
    record = memoryview(HEADER.pack(kind, id, len(payload)) + payload)
    while record:
        record = record[os.write(1, record) :]


if __name__ == "__main__":
    main()

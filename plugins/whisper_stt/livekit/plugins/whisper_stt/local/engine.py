"""A user of the local engine: finds it, or starts it and waits until it hears."""

import asyncio
import importlib.util
import os
import subprocess
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import aiohttp
from livekit.agents import APIConnectionError, APITimeoutError
from livekit.plugins.whisper_stt.local.folder import Folder, settings_of
from livekit.plugins.whisper_stt.log import logger
from livekit.plugins.whisper_stt.socket import Address, EngineSocket, connect

from whisper_engine.protocol import Start

LINGER = 30.0
"""Seconds."""
LOOK_SECONDS = 0.05
BAD_SETTINGS = 2
"""Exit status of an engine that refuses its settings: it would refuse them again."""

_NEEDED = {"rehearsal": ("parley_serving", "pocketsphinx")}
"""What a model cannot do without, as far as it differs from `_WHISPER`."""
_WHISPER = ("parley_serving", "ctranslate2", "faster_whisper", "onnxruntime", "tokenizers")


class Local:
    """The engine of `model`. It stays while any process of this user holds one of these in use.

    Raises ValueError when what an engine needs is not installed.
    """

    def __init__(
        self,
        model: str,
        device: str | None,
        linger: float,
        http: Callable[[], aiohttp.ClientSession],
    ) -> None:
        _check_installed(model)
        if linger <= 0:
            raise ValueError(f"linger must be above 0 seconds, got {linger}")
        self._model = model
        self._device = device
        self._linger = linger
        self._http = http
        self._folder: Folder | None = None
        self._lease: weakref.finalize | None = None

    def begin(self) -> None:
        """Keep the engine, or start one if none runs. Does not wait for it: `connect` does.

        What goes wrong here, `connect` will meet again, and say.
        """
        try:
            self._start_if_none()
        except OSError:
            logger.warning("the local engine cannot be started yet", exc_info=True)

    def close(self) -> None:
        """Need the engine no more. `begin` and `connect` need it again."""
        if self._lease is not None:
            self._lease()
            self._lease = None

    @asynccontextmanager
    async def connect(self, start: Start, timeout: float) -> AsyncIterator[EngineSocket]:
        """A socket, within `timeout` seconds: an engine that loads its model for longer goes on
        with that, and is met again at the next try. Raises APIError.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + timeout
        http = self._http()
        try:
            async with asyncio.timeout_at(until):
                address = await self._hearing(http)
        except TimeoutError as error:
            raise APITimeoutError(
                f"the Whisper engine of {self._model} is still starting: it may be loading its model"
            ) from error
        except OSError as error:
            raise APIConnectionError(f"no Whisper engine can be started: {error}") from error
        async with connect(http, address, start, until - loop.time()) as socket:
            yield socket

    async def _hearing(self, http: aiohttp.ClientSession) -> Address:
        """Of an engine that answers. Looks again and again: a file tells nobody when it changes."""
        mine: subprocess.Popen[bytes] | None = None
        while True:
            mine = self._start_if_none(mine) or mine
            address = self._meeting().address() if self._lease else None
            if address is not None and await _answers(http, address):
                return address
            await asyncio.sleep(LOOK_SECONDS)

    def _start_if_none(
        self, mine: subprocess.Popen[bytes] | None = None
    ) -> subprocess.Popen[bytes] | None:
        """`mine` was started a moment ago: none now means that it has failed.

        Raises OSError, and APIConnectionError with what the engine that failed said last.
        """
        folder = self._meeting()
        if not self._keep(folder):
            return None
        vacancy = folder.vacancy()
        if vacancy is None:
            return None
        try:
            if mine is None:
                return folder.start(vacancy, self._linger)
            raise APIConnectionError(
                f"the Whisper engine of {self._model} did not start: {folder.last_words()}",
                retryable=mine.wait() != BAD_SETTINGS,
            )
        finally:
            os.close(vacancy)

    def _meeting(self) -> Folder:
        if self._folder is None:
            self._folder = Folder(settings_of(self._model, self._device, os.environ))
        return self._folder

    def _keep(self, folder: Folder) -> bool:
        if self._lease is None and (lease := folder.lease()) is not None:
            self._lease = weakref.finalize(self, os.close, lease)
        return self._lease is not None


def _check_installed(model: str) -> None:
    missing = [
        name for name in _NEEDED.get(model, _WHISPER) if importlib.util.find_spec(name) is None
    ]
    if missing:
        extra = "rehearsal" if model in _NEEDED else "engine"
        raise ValueError(
            f"model={model!r} needs an engine here, and {', '.join(missing)} is not installed: "
            f'pip install "livekit-plugins-whisper-stt[{extra}]", or give the url= of an engine'
        )


async def _answers(http: aiohttp.ClientSession, address: Address) -> bool:
    """Whether it is our engine: only that one takes the key. Waits while its model loads."""
    try:
        async with http.get(f"{address.url}/v1/models", headers=address.headers) as response:
            return response.status == HTTPStatus.OK
    except aiohttp.ClientError:
        return False

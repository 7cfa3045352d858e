"""The plugin through the suite, over a real socket, with the tone and with the rehearsal voice."""

from collections.abc import AsyncIterator

import pytest

from csm_engine.rehearsal import Rehearsal
from tests.conformance.tts import TTSConformance
from tests.csm_tts.conftest import app_of
from tests.serving.running import running


class TestTone(TTSConformance):
    pass


@pytest.mark.engine
class TestRehearsal(TTSConformance):
    @pytest.fixture
    async def url(self) -> AsyncIterator[str]:
        app, _ = app_of(Rehearsal())
        async with running(app) as server:
            yield server.url

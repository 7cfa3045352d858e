"""The plugin through the suite, over a real socket, with the tone, the rehearsal voice and a tiny CSM."""

from collections.abc import AsyncIterator

import pytest

from csm_engine.csm_model import CsmModel
from csm_engine.rehearsal import Rehearsal
from tests.conformance.tts import TTSConformance
from tests.csm_tts.conftest import app_of
from tests.csm_tts.csm_folders import Folders, csm_settings, write_folders
from tests.serving.running import running


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return write_folders(tmp_path_factory.mktemp("csm"))


class TestTone(TTSConformance):
    pass


@pytest.mark.engine
class TestRehearsal(TTSConformance):
    @pytest.fixture
    async def url(self) -> AsyncIterator[str]:
        app, _ = app_of(Rehearsal())
        async with running(app) as server:
            yield server.url


@pytest.mark.engine
class TestCsm(TTSConformance):
    """A CSM of real dimensions but for their size: what it says is noise."""

    @pytest.fixture
    async def url(self, folders: Folders) -> AsyncIterator[str]:
        app, _ = app_of(CsmModel(csm_settings(folders)))
        async with running(app) as server:
            yield server.url

"""The plugin through the suite, over a real socket, with the counting and the rehearsal model."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conformance.stt import Spoken, STTConformance
from tests.serving.running import running
from tests.whisper_stt.conftest import app_of
from whisper_engine.protocol import MAX_MESSAGE_BYTES
from whisper_engine.rehearsal.model import Rehearsal

PHRASES = "what is the weather in Paris\nwhat are your opening hours\ngoodbye\n"


class TestCounting(STTConformance):
    pass


@pytest.mark.engine
class TestRehearsal(STTConformance):
    @pytest.fixture
    async def url(self, tmp_path: Path) -> AsyncIterator[str]:
        phrases = tmp_path / "phrases.txt"
        phrases.write_text(PHRASES)
        app, _ = app_of(Rehearsal(phrases))
        async with running(app, max_message=MAX_MESSAGE_BYTES) as server:
            yield server.url

    @pytest.fixture
    def spoken(self, question: Spoken) -> Spoken:
        return question

"""The plugin through the suite, over a real socket, with each model that hears."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from parley_serving import ListenSettings
from tests.conformance.stt import Spoken, STTConformance
from tests.serving.running import running
from tests.whisper_stt.conftest import app_of
from whisper_engine.config import Settings
from whisper_engine.protocol import MAX_MESSAGE_BYTES
from whisper_engine.rehearsal.model import Rehearsal
from whisper_engine.synthetic import write_scripted
from whisper_engine.whisper.model import Whisper

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


@pytest.mark.engine
class TestWhisper(STTConformance):
    @pytest.fixture
    async def url(self, tmp_path: Path, question: Spoken) -> AsyncIterator[str]:
        folder = tmp_path / "base"
        write_scripted(folder, question.words, token_seconds=0.2)
        settings = Settings(
            listen=ListenSettings(port=1), model=str(folder), compute_type="float32", workers=1
        )
        app, _ = app_of(Whisper(settings, CollectorRegistry()))
        async with running(app, max_message=MAX_MESSAGE_BYTES) as server:
            yield server.url

    @pytest.fixture
    def spoken(self, question: Spoken) -> Spoken:
        return question

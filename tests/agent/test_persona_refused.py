"""A call that a persona cannot take: nobody answers it, and the log says why."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import HttpUrl, SecretStr

from agent.admission.desk import Desk
from agent.config import Settings, VoiceSettings
from agent.doors import mind_client
from agent.worker import answer
from csm_engine.model import UnknownVoiceError
from tests.agent.test_line import Room
from tests.csm_tts.conftest import KEY, app_of
from tests.csm_tts.tone import Tone
from tests.serving.running import running

GOOD = "name: bob\ngreeting: Hello.\ninstructions: Be brief.\n"
NOBODY = VoiceSettings(url=HttpUrl("http://127.0.0.1:9"))


class English(Tone):
    def check(self, voice: str, language: str) -> None:
        if language != "en":
            raise UnknownVoiceError("it speaks English alone")


@dataclass
class Job:
    """One of a console: there is no room to hang up. `ended` holds why it was shut down."""

    settings: Settings
    metadata: str
    room: Room = field(default_factory=Room)
    log_context_fields: dict[str, str] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)

    @property
    def job(self) -> SimpleNamespace:
        return SimpleNamespace(id="job_1", room=self.room, metadata=self.metadata)

    @property
    def proc(self) -> SimpleNamespace:
        settings = self.settings
        desk = Desk(settings.line, settings.ledger, settings.llm.max_calls)
        mind = mind_client(settings.llm)
        about = {"settings": settings, "vad": None, "mind": mind, "desk": desk}
        return SimpleNamespace(userdata=about)

    def is_fake_job(self) -> bool:
        return True

    def add_shutdown_callback(self, callback: Callable[[], Awaitable[None]]) -> None: ...

    def shutdown(self, reason: str) -> None:
        self.ended.append(reason)


async def refused(
    folder: Path, caplog: pytest.LogCaptureFixture, voice: VoiceSettings, **asked: Any
) -> str:
    """Why a call of today's persona was not taken."""
    caplog.clear()
    metadata = json.dumps({"persona": "bob", **asked})
    job: Any = Job(Settings(personas=folder, tts=voice), metadata)
    await answer(job)
    assert len(job.ended) == 1
    why = [record for record in caplog.records if record.message == "the call could not be taken"]
    return str(vars(why[0])["reason"])


async def test_a_bad_persona_takes_no_call_and_is_read_again_for_the_next(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "bob.yaml"
    file.write_text(f"{GOOD}greting: Hi.\n")
    assert "bob.yaml:4: greting: Extra inputs" in await refused(tmp_path, caplog, NOBODY)
    file.write_text(f"{GOOD}instructions_file: bob.txt\n")
    assert "bob.yaml:1: needs one of" in await refused(tmp_path, caplog, NOBODY)


async def test_a_voice_that_lacks_the_language_takes_no_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bob.yaml").write_text(f"{GOOD}language: de\n")
    engine, _ = app_of(English())
    async with running(engine) as server:
        voice = VoiceSettings(url=HttpUrl(server.url), key=SecretStr(KEY))
        reason = await refused(tmp_path, caplog, voice)
    assert reason == "persona bob: language: the voice refuses: it speaks English alone"


@pytest.mark.engine
async def test_a_variable_that_the_persona_lacks_takes_no_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "bob.yaml").write_text(GOOD)
    reason = await refused(tmp_path, caplog, NOBODY, vars={"nmae": "Ann"})
    assert reason == "job metadata, vars: persona 'bob' has no variable 'nmae'; it has: none"

"""The desk reads its policy for each call, and counts in the ledger."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy.orm import Session

from agent.admission import Admission, Refused
from agent.admission.desk import Desk, read_admission
from agent.yaml_file import BadFileError
from ledger.counts import Asked
from ledger.database import open_ledger
from ledger.tables import CallRow
from tests.ledger.rows import START, call_values

NOW = START + timedelta(seconds=10)
ME = Asked("me", NOW, "clerk", "+15550199999")


@pytest.fixture
def ledger(tmp_path: Path) -> SecretStr:
    """One call goes on in it."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    engine = open_ledger(url)
    with Session(engine) as session, session.begin():
        session.add(CallRow(**call_values(answered_at=START)))
    engine.dispose()
    return SecretStr(url)


def line(folder: Path, text: str) -> Path:
    file = folder / "sip.yaml"
    file.write_text(text)
    return file


async def test_a_change_of_the_file_holds_for_the_next_call(
    tmp_path: Path, ledger: SecretStr
) -> None:
    desk = Desk(tmp_path / "sip.yaml", ledger)
    assert desk.policy() == Admission()
    line(tmp_path, "admission: {max_calls: 2}")
    assert await desk.ask(desk.policy(), ME, NOW) is None
    line(tmp_path, "admission: {max_calls: 1}")
    assert await desk.ask(desk.policy(), ME, NOW) == Refused("full")


@pytest.mark.parametrize("there", [False, True])
async def test_who_cannot_be_counted_is_let_in(tmp_path: Path, *, there: bool) -> None:
    (tmp_path / "file").touch()
    nowhere = SecretStr(f"sqlite:///{tmp_path}/file/ledger.db")
    desk = Desk(tmp_path / "sip.yaml", nowhere if there else None)
    assert await desk.ask(Admission(max_calls=0), ME, NOW) == Refused("full")
    assert await desk.ask(Admission(max_calls=1), ME, NOW) is None


async def test_what_needs_no_count_is_decided_without_a_ledger(tmp_path: Path) -> None:
    desk = Desk(None, None)
    policy = Admission.model_validate({"denied_callers": ["+1555"]})
    assert await desk.ask(policy, ME, NOW) == Refused("the caller is denied")


def test_a_policy_that_cannot_be_read_refuses_nobody(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = line(tmp_path, "domain: x\nadmission:\n  max_calls: 3\n  max_cals: 1\n")
    with pytest.raises(BadFileError, match=r"sip.yaml:4: max_cals"):
        read_admission(file)
    assert Desk(file, None).policy() == Admission()
    assert "nobody is refused" in caplog.text

"""Callers whom the line does not let in, or not to the one they asked for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
import yaml

from ledger.calls import Wanted, find_calls
from ledger.database import open_ledger
from sip.simulate.caller import CallFailedError, call
from tests.e2e.conftest import line_to
from tests.e2e.switchboard import Switchboard
from tests.e2e.talk import NUMBER, talking
from tests.stack import Stack, parley_up

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

CALLER = "+15550170042"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    folder = tmp_path_factory.mktemp("guarded")
    async with parley_up(folder, PARLEY_SIP_FILE=str(folder / "sip.yaml")) as stack:
        yield stack


def admit(stack: Stack, **policy: object) -> None:
    """From the next call on."""
    Path(stack.environment["PARLEY_SIP_FILE"]).write_text(yaml.safe_dump({"admission": policy}))


def outcomes(stack: Stack) -> Sequence[tuple[str | None, str | None]]:
    """And the reasons, the newest call first."""
    engine = open_ledger(f"sqlite:///{stack.folder / 'ledger.db'}")
    found = [(row.outcome, row.end_reason) for row in find_calls(engine, Wanted())]
    engine.dispose()
    return found


async def busy(stack: Stack) -> None:
    with pytest.raises(CallFailedError, match="486"):
        async with call(line_to(stack), to=NUMBER, from_=CALLER):
            pass


async def idle(stack: Stack) -> None:
    async with Switchboard.open(stack, line_to(stack)) as switchboard:
        await switchboard.until_idle()


async def test_one_who_is_denied_hears_busy_and_stands_in_the_ledger(guarded: Stack) -> None:
    admit(guarded, denied_callers=[CALLER])
    await busy(guarded)
    await idle(guarded)
    assert outcomes(guarded)[0] == ("refused", "refused: the caller is denied")


async def test_with_one_call_allowed_the_second_hears_busy_and_the_first_goes_on(
    guarded: Stack,
) -> None:
    admit(guarded, max_calls=1)
    async with talking(line_to(guarded)) as first:
        await first.is_greeted()
        await busy(guarded)
        await first.is_answered()
    await idle(guarded)


async def test_of_two_who_call_at_once_one_is_let_in(guarded: Stack) -> None:
    admit(guarded, max_calls=1)

    async def let_in(caller: str) -> bool:
        try:
            async with call(line_to(guarded), to=NUMBER, from_=caller):
                await all_have_tried.wait()
        except CallFailedError:
            return False
        finally:
            tried.append(caller)
            if len(tried) == 1:
                all_have_tried.set()
        return True

    tried: list[str] = []
    all_have_tried = asyncio.Event()
    assert sorted(await asyncio.gather(let_in(CALLER), let_in("+15550170043"))) == [False, True]
    await idle(guarded)


async def test_when_closed_another_persona_answers(guarded: Stack) -> None:
    admit(
        guarded, hours={"week": {"mon": []}}, when_closed={"do": "persona", "persona": "reminder"}
    )
    async with talking(line_to(guarded)) as talk:
        await talk.hears("appointment service")
    await idle(guarded)

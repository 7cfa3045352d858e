"""The dialler that `parley up` runs beside the parts."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from parley.outbound import dial_from_the_queue, open_queue, read_line
from parley.settings import Settings
from sip.outbound.queue import Dial, Order, State
from tests.stack import environment_for

OURS = "+12025550199"
PATIENCE = 30.0


def settings(folder: Path, **line: object) -> Settings:
    """With a line, if it is given, and a LiveKit that is not there."""
    if line:
        whole = {
            "public_host": "sip.example.com",
            "domain": "acme",
            "numbers": [{"number": OURS, "persona": "receptionist"}],
        }
        (folder / "sip.yaml").write_text(yaml.safe_dump(whole | line))
    return Settings.load(environment_for(folder, PARLEY_SIP_FILE=str(folder / "sip.yaml")))


@pytest.mark.parametrize("line", [{}, {"name": "inbound"}])
async def test_without_outbound_calls_in_sip_yaml_there_is_none(
    tmp_path: Path, line: dict[str, str]
) -> None:
    await dial_from_the_queue(settings(tmp_path, **line), {})


async def test_a_line_that_cannot_be_used_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await dial_from_the_queue(settings(tmp_path, outbound={"attempts": 0}), {})
    (record,) = caplog.records
    assert "outbound.attempts" in str(vars(record)["why"])


async def test_what_waits_in_the_queue_is_dialled(tmp_path: Path) -> None:
    """LiveKit is not there: nobody is rung, and it waits for another attempt."""
    ours = settings(tmp_path, outbound={"attempts": 2})
    async with open_queue(ours) as queue:
        order = Order("+12025550123", OURS, "receptionist")
        dial_id = await asyncio.to_thread(queue.add, order, datetime.now(UTC))

        async def tried() -> Dial:
            while True:
                dial = await asyncio.to_thread(queue.get, dial_id)
                if dial and dial.words:
                    return dial
                await asyncio.sleep(0.05)

        dialling = asyncio.create_task(dial_from_the_queue(ours, {}))
        try:
            async with asyncio.timeout(PATIENCE):
                dial = await tried()
        finally:
            dialling.cancel()
            await asyncio.wait({dialling})
    assert (dial.state, dial.attempts) == (State.WAITING, 1)
    assert "LiveKit cannot be asked" in (dial.words or "")


def test_the_list_of_numbers_lies_beside_sip_yaml(tmp_path: Path) -> None:
    settings(tmp_path, outbound={"do_not_call": "lists/never.txt"})
    line = read_line(tmp_path / "sip.yaml")
    assert line.outbound.do_not_call == tmp_path / "lists" / "never.txt"

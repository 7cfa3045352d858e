"""Real lines of livekit-server and livekit-sip (numbers of the fictional range), and odd ones."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from parley.part import Part
from parley.part_log import LONGEST, FilteredLog, without_callers
from parley.supervisor import Supervisor

CALLER, CALLED = "+15550192458", "+15550100"
IDS = '{"nodeID": "NE_Dy4oH9xMCS5s", "callID": "SCL_oC3ZHnwNUCzo", "traceID": "6f43335a486e774e", "sipCallID": "53a427b253c47160"'
ROOM = '"room": "call-_+15550100_u4xnAsjMBLGo"'

LINES = {
    "a call is taken": f'2026-11-21T20:52:20.746Z\tINFO\tsip\tsip/inbound.go:935\tAccepting the call\t{IDS}, "fromIP": "127.0.0.1", "toIP": "127.0.0.1:5060", "fromHost": "127.0.0.1", "fromUser": "{CALLER}", "toHost": "127.0.0.1", "toUser": "{CALLED}", "sipTag": "772f614f48ffe082", "direction": "inbound", "sipRule": "SDR_7tu8C2GYGaAa", {ROOM}, "participant": "sip_{CALLER}", "participantName": "Phone {CALLER}", "headers": null}}',
    "a caller proves who they are": f'2026-11-21T20:46:25.975Z\tINFO\tsip\tsip/inbound.go:200\tStarting SIP invite authentication\t{IDS}, "fromUser": "{CALLER}", "username": "parley", "passwordHash": "771df5de07082267", "method": "INVITE", "uri": "sip:{CALLER}@127.0.0.1:5060;transport=udp"}}',
    "a track of the caller": f'2026-11-21T20:53:20.684Z\tINFO\tsip\tlocalparticipant.go:214\tpublished track\t{IDS}, {ROOM}, "name": "sip_{CALLER}", "source": "MICROPHONE", "trackID": "TR_AMNBY66TxUoBij"}}',
    "a session": f'2026-11-21T20:54:28.999Z\tINFO\tlivekit\tservice/roommanager.go:433\tstarting RTC session\t{IDS}, {ROOM}, "participantInit": {{"Identity": "sip_{CALLER}", "Reconnect": false}}}}',
    "a call is placed": f'2026-11-21T20:46:25.990Z\tINFO\tlivekit.api\tservice/twirp.go:149\tAPI SIP.CreateSIPParticipant\t{IDS}, {ROOM}, "fromUser": "{CALLED}", "callTo": "{CALLER}", "number": "{CALLED}", "status": "200"}}',
    "a caller's headers": f'2026-11-21T20:52:20.746Z\tINFO\tsip\tsip/inbound.go:935\tAccepting the call\t{IDS}, {ROOM}, "headers": {{"P-Asserted-Identity": "\\"Ann Example\\" <sip:{CALLER}@example.com>", "Diversion": "<tel:{CALLER}>;reason=busy"}}}}',
    "no field at all": f"2026-11-21T20:52:20.746Z\tERROR\tsip\t{IDS}, {ROOM}}}\tno route to {CALLER}",
    "a caller with a name for a number": f'2026-11-21T20:52:20.746Z\tINFO\tsip\tProcessing invite\t{IDS}, {ROOM}, "fromUser": "Ann Example", "participant": "sip_ann", "uri": "sips:ann@example.com"}}',
}


@pytest.mark.parametrize("line", LINES.values(), ids=LINES)
def test_a_line_loses_its_caller_and_keeps_its_ids(line: str) -> None:
    masked = without_callers(line)
    for personal in (CALLER, CALLER[1:], "Ann", "ann", "771df5de07082267"):
        assert personal not in masked
    assert IDS in masked
    assert (ROOM in line) == (ROOM in masked)


@pytest.mark.parametrize(
    "line",
    [
        '2026-11-21T20:46:57.562Z\tINFO\tlivekit.sub\tsfu/forwarder.go:1947\tcalculating dummyStartTSOffset\t{"subscriberID": "PA_4RGxt8xFSd7b:1795294017385389296", "extFirstTS": 2375960796, "sip_rule": "SDR_1"}',
        '2026-11-21T20:45:58.140Z\tINFO\tsip\tredis/redis.go:145\tconnecting to redis\t{"nodeID": "NE_Dy4oH9xMCS5s", "simple": true, "addr": "127.0.0.1:6390"}',
        "\tgithub.com/livekit/livekit-server@v1.13.5/pkg/service/signal.go:160",
        "failed to get server reflexive address udp4 stun:127.0.0.1:3478: i/o timeout",
        "",
    ],
)
def test_a_line_that_names_nobody_stays_as_it_is(line: str) -> None:
    assert without_callers(line) == line


def copied(file: Path, written: bytes) -> str:
    log = FilteredLog(file, without_callers)
    with open(log.sink, "wb", closefd=False) as sink:
        sink.write(written)
    log.close_sink()
    log.join(10)
    return file.read_text() if file.exists() else ""


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (b"to +15550192458\nand on", "to …\nand on\n"),
        (b"\xff\xfe not text\n", "\ufffd\ufffd not text\n"),
        (b"\n\n", "\n\n"),
        (b"x" * (3 * LONGEST) + b" +15550192458\nnext\n", "x" * LONGEST + "\nnext\n"),
        (b"sip:" * LONGEST + b"\n", "sip:" * (LONGEST // 4) + "\n"),
    ],
    ids=["no end of line", "no text", "empty", "too long", "almost an address, often"],
)
def test_whatever_a_part_writes_comes_to_the_file(
    tmp_path: Path, written: bytes, kept: str
) -> None:
    assert copied(tmp_path / "log", written) == kept


def test_a_part_writes_on_where_no_line_can_be_kept(tmp_path: Path) -> None:
    assert copied(tmp_path / "no such folder" / "log", b"+15550192458\n" * 10_000) == ""


def test_a_filter_that_fails_costs_a_line(tmp_path: Path) -> None:
    def fails(line: str) -> str:
        raise ValueError(line)

    log = FilteredLog(tmp_path / "log", fails)
    os.write(log.sink, b"to +15550192458\n")
    log.close_sink()
    log.join(10)
    assert (tmp_path / "log").read_text() == "(a line that could not be filtered)\n"


def test_lines_that_no_disk_took_are_counted_once_it_does(tmp_path: Path) -> None:
    file = tmp_path / "log"
    file.mkdir()  # as little to be written to as a disk that is full

    def noticed(line: str) -> str:
        if line == "third":  # the lines before are dealt with
            file.rmdir()
        return line

    log = FilteredLog(file, noticed)
    os.write(log.sink, b"first\nsecond\nthird\nfourth\n")
    log.close_sink()
    log.join(10)
    assert file.read_text() == "(2 lines could not be written)\nthird\nfourth\n"


async def test_a_part_that_dies_has_its_last_words_in_its_log(tmp_path: Path) -> None:
    """Through the supervisor: its error quotes the filtered line."""

    async def never() -> bool:
        return False

    program = f"import sys; print('hello'); sys.exit('no route to {CALLER}')"
    part = Part(
        "bridge",
        (sys.executable, "-S", "-c", program),
        {"PYTHONUNBUFFERED": "1"},
        port=1,
        answers=never,
        log_filter=without_callers,
    )
    supervisor = Supervisor([part], folder=tmp_path, logs=tmp_path / "logs")
    with pytest.raises(ExceptionGroup) as raised:
        async with asyncio.timeout(30), supervisor.running():
            pytest.fail("it must not come up")
    assert "with status 1 (no route to …): see " in str(raised.value.exceptions[0])
    assert (tmp_path / "logs" / "bridge.log").read_text() == "hello\nno route to …\n"

"""Real child processes, small ones: what happens to parts that die, hang, or leave children."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import psutil
import pytest

from parley.part import Part, PartError
from parley.probes import redis_ping
from parley.supervisor import Supervisor
from tests.stack import gone

WELL_BEHAVED = """
import signal, sys
from pathlib import Path
name, folder = sys.argv[1], Path(sys.argv[2])
def stop(*_):
    with (folder / "order").open("a") as order: order.write(f"-{name}\\n")
    sys.exit(0)
signal.signal(signal.SIGTERM, stop)
with (folder / "order").open("a") as order: order.write(f"+{name}\\n")
(folder / name).touch()
while True: signal.pause()
"""

DIES = "import sys; sys.exit('no such model')"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: signal.pause()"
PARENT = """
import subprocess, sys, signal
from pathlib import Path
child = subprocess.Popen([sys.executable, "-S", "-c", "import signal; signal.pause()"])
Path(sys.argv[2], "child").write_text(str(child.pid))
Path(sys.argv[2], sys.argv[1]).touch()
signal.pause()
"""

ANSWERS = """
import socket, sys
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    client, _ = server.accept()
    with client:
        client.recv(64)
        client.sendall(b"+PONG\\r\\n")
"""


def part(folder: Path, name: str, program: str = WELL_BEHAVED, *, patience: float = 10.0) -> Part:
    async def answers() -> bool:
        return (folder / name).exists()

    return Part(
        name,
        (sys.executable, "-S", "-c", program, name, str(folder)),
        {},
        port=1,
        answers=answers,
        patience=patience,
        stop_patience=0.2 if program is DEAF else 5.0,
    )


def supervise(folder: Path, *parts: Part) -> Supervisor:
    return Supervisor(parts, folder=folder, logs=folder / "logs", first_pause=0.01)


def order(folder: Path) -> list[str]:
    return (folder / "order").read_text().split()


async def test_parts_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    async with supervise(tmp_path, *(part(tmp_path, name) for name in "abc")).running():
        assert order(tmp_path) == ["+a", "+b", "+c"]
    assert order(tmp_path) == ["+a", "+b", "+c", "-c", "-b", "-a"]


async def test_a_part_waits_until_the_one_before_answers(tmp_path: Path) -> None:
    asked = asyncio.Event()
    may_answer = asyncio.Event()

    async def answers() -> bool:
        asked.set()
        return may_answer.is_set()

    slow = part(tmp_path, "slow")
    slow = Part(slow.name, slow.command, {}, port=1, answers=answers)
    supervisor = supervise(tmp_path, slow, part(tmp_path, "next"))
    starting = asyncio.create_task(supervisor.running().__aenter__())
    await asked.wait()
    assert "next" not in supervisor.pids()
    may_answer.set()
    async with asyncio.timeout(10):
        while "next" not in supervisor.pids():  # noqa: ASYNC110  its start is what is awaited
            await asyncio.sleep(0.01)
    starting.cancel()
    await asyncio.wait({starting})
    assert supervisor.pids() == {}


async def test_a_part_that_dies_while_starting_ends_everything(tmp_path: Path) -> None:
    supervisor = supervise(tmp_path, part(tmp_path, "a"), part(tmp_path, "b", DIES))
    with pytest.raises(ExceptionGroup) as raised:
        async with supervisor.running():
            pytest.fail("it must not come up")
    failure = raised.value.exceptions[0]
    assert isinstance(failure, PartError)
    assert str(failure).startswith("b died while starting, with status 1 (no such model): see ")
    assert order(tmp_path) == ["+a", "-a"]


async def test_a_part_that_never_answers_ends_everything(tmp_path: Path) -> None:
    mute = part(tmp_path, "mute", "import signal; signal.pause()", patience=0.3)
    with pytest.raises(ExceptionGroup) as raised:
        async with supervise(tmp_path, mute).running():
            pytest.fail("it must not come up")
    assert "mute did not answer within" in str(raised.value.exceptions[0])


async def test_a_part_that_dies_is_started_again(tmp_path: Path) -> None:
    again = asyncio.Event()

    async def restarted() -> None:
        again.set()

    mortal = part(tmp_path, "a")
    mortal = Part("a", mortal.command, {}, port=1, answers=mortal.answers, restarted=restarted)
    supervisor = supervise(tmp_path, mortal)
    async with asyncio.timeout(10), supervisor.running():
        first = supervisor.pids()["a"]
        psutil.Process(first).kill()
        await again.wait()
        second = supervisor.pids()["a"]
    assert first != second
    assert not psutil.pid_exists(second)


async def test_a_part_that_hangs_is_killed_and_started_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    again = asyncio.Event()

    async def restarted() -> None:
        again.set()

    command = (sys.executable, "-S", "-c", ANSWERS, str(port))
    talks = Part("a", command, {}, port, redis_ping(port), restarted=restarted)
    supervisor = Supervisor(
        [talks], folder=tmp_path, logs=tmp_path / "logs", first_pause=0.01, hung_after=4.0
    )
    async with asyncio.timeout(50), supervisor.running():
        first = supervisor.pids()["a"]
        os.kill(first, signal.SIGSTOP)
        await again.wait()
        assert supervisor.pids()["a"] != first
        assert await talks.answers()
    assert not psutil.pid_exists(first)


async def test_three_deaths_in_a_minute_end_everything(tmp_path: Path) -> None:
    async def die() -> None:
        psutil.Process(supervisor.pids()["a"]).kill()

    mortal = part(tmp_path, "a")
    mortal = Part("a", mortal.command, {}, port=1, answers=mortal.answers, restarted=die)
    supervisor = supervise(tmp_path, mortal)

    async def live() -> None:
        async with asyncio.timeout(10), supervisor.running():
            await die()
            await asyncio.Event().wait()

    with pytest.raises(ExceptionGroup) as raised:
        await live()
    assert "a died 3 times within 60 s, last by SIGKILL" in str(raised.value.exceptions[0])


async def test_a_part_that_will_not_stop_is_killed(tmp_path: Path) -> None:
    deaf = part(tmp_path, "deaf", DEAF + "\n")
    deaf = Part("deaf", deaf.command, {}, port=1, answers=_at_once, stop_patience=0.2)
    supervisor = supervise(tmp_path, deaf)
    async with asyncio.timeout(4):
        async with supervisor.running():
            pid = supervisor.pids()["deaf"]
    assert not psutil.pid_exists(pid)


async def test_a_second_signal_kills_at_once(tmp_path: Path) -> None:
    deaf = part(tmp_path, "deaf", DEAF)
    deaf = Part("deaf", deaf.command, {}, port=1, answers=_at_once, stop_patience=1000)
    supervisor = supervise(tmp_path, deaf)
    async with asyncio.timeout(10):
        async with supervisor.running():
            asyncio.get_running_loop().call_later(0.1, supervisor.kill)
    assert supervisor.pids() == {}


async def test_the_children_of_a_part_are_stopped_with_it(tmp_path: Path) -> None:
    async with asyncio.timeout(10):
        async with supervise(tmp_path, part(tmp_path, "a", PARENT)).running():
            child = psutil.Process(int((tmp_path / "child").read_text()))
            assert child.is_running()
        await gone(child)


@pytest.mark.skipif(sys.platform != "linux", reason="parent-death signals are Linux's")
async def test_parts_end_when_parley_is_killed(tmp_path: Path) -> None:
    program = """
import asyncio, sys
from pathlib import Path
from tests.parley.test_supervisor import part, supervise
async def main(folder):
    async with supervise(folder, part(folder, "a")).running():
        (folder / "up").touch()
        await asyncio.Event().wait()
asyncio.run(main(Path(sys.argv[1])))
"""
    parley = await asyncio.create_subprocess_exec(sys.executable, "-c", program, str(tmp_path))
    async with asyncio.timeout(20):
        while not (tmp_path / "up").exists():  # noqa: ASYNC110  another process makes it
            await asyncio.sleep(0.02)
        children = psutil.Process(parley.pid).children()
        assert [child.is_running() for child in children] == [True]
        parley.send_signal(signal.SIGKILL)
        await parley.wait()
        await gone(children[0])


async def _at_once() -> bool:
    return True

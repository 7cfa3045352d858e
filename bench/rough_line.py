"""Calls over lines that delay, overtake and lose packets: what is understood, and after how long it is answered.

    python -m bench.rough_line

A telephone of our own (SIP and RTP over UDP, PCMU, no concealment) in a network of its own calls a stack of rehearsal models; a
process between two TUN devices does to each packet, each way, what the row says. It needs root and Linux.
"""

import asyncio
import contextlib
import tempfile
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from bench import record
from sip.simulate.caller import CallFailedError
from sip.simulate.handset import handset
from sip.simulate.speech import RATE
from tests.e2e.talk import Talk, talking
from tests.fakes.rough_network import rough_network
from tests.fakes.rough_way import Roughness
from tests.faults.bridge import bridge_at
from tests.stack import Stack, parley_up

LINES = (
    Roughness(),
    *(Roughness(loss=loss) for loss in (0.02, 0.05, 0.1)),
    *(Roughness(delay=0.1, jitter=jitter) for jitter in (0.03, 0.06)),
    *(Roughness(delay=delay, jitter=0.03, loss=0.02) for delay in (0.2, 0.4)),
)
QUESTIONS = {
    "what is your address": "Water Street",
    "what are your opening hours": "nine in the morning",
    "what are your prices": "forty five",
}
PATIENCE = 12.0
SEED = 1


@dataclass
class Row:
    """`answers` are seconds from the last word to the caller's first sound of the answer."""

    line: Roughness
    asked: int = 0
    understood: int = 0
    answers: list[float] | None = None
    heard_share: float | None = None
    """Of the agent's sound: seconds that reached the caller for each that was sent."""
    failure: str | None = None


async def ask(talk: Talk, row: Row) -> None:
    answers: list[float] = []
    for question, answer in QUESTIONS.items():
        await talk.agent_is_quiet()
        row.asked += 1
        began = talk.line.now()
        ended = await talk.say(question)
        with contextlib.suppress(AssertionError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await talk.hears(answer, after=began)
                await talk.agent_speaks(after=ended)
                row.understood += 1
                assert talk.line.ear.began is not None
                answers.append(talk.line.ear.began - ended)
    row.answers = answers
    sent = talk.overheard.sent.samples
    row.heard_share = round(talk.line.heard.samples / sent, 3) if sent else None


async def measured(stack: Stack, line: Roughness, logs: Path) -> Row:
    row = Row(line)
    async with rough_network(line, SEED) as rough, bridge_at(rough.near, stack, logs) as way:
        dial = partial(handset, sockets=rough.datagrams)
        try:
            async with talking(way, dial=dial) as talk:
                await talk.is_greeted()
                await ask(talk, row)
        except (CallFailedError, AssertionError) as error:
            row.failure = str(error)
    return row


def page(rows: list[Row]) -> list[str]:
    told = [
        "# Rough lines",
        "Each way: delay ± jitter (ms), packets lost. `answer`: seconds from the last word sent to the first "
        "sound of the answer that the telephone received, median and worst, the line's own delay "
        "both ways included. Three questions a line, one call.",
        "",
        "| delay | jitter | lost | understood | answer | worst | |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        line, answers = row.line, row.answers or []
        shown = (f"{median(answers):.2f}", f"{max(answers):.2f}") if answers else ("-", "-")
        told.append(
            f"| {1000 * line.delay:.0f} | {1000 * line.jitter:.0f} | {line.loss:.0%} | "
            f"{row.understood} of {row.asked} | {shown[0]} | {shown[1]} | {row.failure or ''} |"
        )
    return told


async def _main() -> dict[str, Any]:
    facts = record.started()
    with tempfile.TemporaryDirectory(prefix="parley-rough-") as name:
        folder = Path(name)
        async with parley_up(folder) as stack:
            rows = [await measured(stack, line, folder / "bridge") for line in LINES]
    body = {"lines": [asdict(row) for row in rows], "rate": RATE}
    text, _ = record.write("rough_line", facts, page(rows), body)
    return {"page": text}


if __name__ == "__main__":
    print(asyncio.run(_main())["page"])

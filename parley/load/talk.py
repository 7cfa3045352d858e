"""One caller of a load: talks for so long a share of a call, and calls again when hung up on."""

import asyncio
from collections.abc import Sequence
from itertools import cycle

from parley.load.figures import LoadCall
from sip.simulate.assess import assess
from sip.simulate.caller import CallFailedError, Dial
from sip.simulate.conversation import Taken, Turn, agent_begins, my_turn
from sip.simulate.line import Line
from sip.simulate.observer import Overheard
from sip.simulate.report import CallReport
from sip.simulate.script import TurnScript
from sip.simulate.stack import Stack

SETTLED = 0.7
"""Seconds of silence after which this caller takes the word: they are in a hurry."""

AGAIN = 1.0
"""Seconds until one who was not answered calls again."""

TURNS = (
    TurnScript(say="hello there can you hear me is anybody there"),
    TurnScript(say="good evening can you hear me hello there is anybody there"),
    TurnScript(say="can you hear me good afternoon what is your address", barge_in=1.0),
)
"""About as long as what the receptionist answers, or callers could not talk 40 % of a call; the last
is said over the agent, and so begins with no word that acknowledges."""


async def call_until(
    stack: Stack,
    *,
    to: str,
    from_: str,
    turns: Sequence[Turn],
    until: float,
    talk: float,
    overheard: Overheard | None,
    dial: Dial,
) -> list[LoadCall]:
    """Calls one after the other until then (the loop's clock): as many as break before, and one.

    `talk` is the share of a call, 0 to 1, that the caller talks at most.
    """
    loop, made = asyncio.get_running_loop(), list[LoadCall]()
    while loop.time() < until or not made:
        try:
            async with dial(stack, to=to, from_=from_) as line:
                taken = await _talk(line, turns, until, talk)
                broke, end = line.hung_up, line.now()
        except CallFailedError as error:
            made.append(LoadCall(report=CallReport(answered=False, failure=str(error))))
            await asyncio.sleep(AGAIN)
            continue
        made.append(await asyncio.to_thread(_assessed, line, taken, overheard, broke, end))
        overheard = None  # it follows one room
    return made


async def _talk(line: Line, turns: Sequence[Turn], until: float, talk: float) -> list[Taken]:
    taken: list[Taken] = []
    await agent_begins(line, after=line.dialled_at)
    for turn in cycle(turns):
        due = line.answered_at + _talked(taken) / talk
        await _until(line, min(due, until))
        over_agent = await my_turn(line, turn.script.barge_in, SETTLED)
        if line.hung_up or line.now() >= until:
            break
        start = line.now()
        await line.say(turn.speech)
        taken.append(Taken(turn, start, line.now(), over_agent))
        await agent_begins(line, after=taken[-1].end)
    return taken


async def _until(line: Line, moment: float) -> None:
    await line.until(lambda: line.now() >= moment)


def _talked(taken: Sequence[Taken]) -> float:
    return sum(each.end - each.start for each in taken)


def _assessed(
    line: Line, taken: Sequence[Taken], overheard: Overheard | None, broke: bool, end: float
) -> LoadCall:
    report = assess(
        line.recording(end),
        [each.turn for each in taken],
        taken,
        overheard or Overheard(),
        line.answered_at,
    )
    return LoadCall(
        report=report,
        talked=_talked(taken),
        connected=end - line.answered_at,
        broke=broke,
    )

"""A short run of the settings' model, and how many could speak at once by it."""

import asyncio
import math
from collections.abc import Sequence

from csm_engine.cli.errors import CommandError
from csm_engine.cli.figures import milliseconds
from csm_engine.cli.findings import REHEARSAL, Finding, State
from csm_engine.cli.loaded import loaded
from csm_engine.cli.rounds import Round, hold
from csm_engine.config import Settings
from csm_engine.protocol import FRAME_SECONDS
from csm_engine.scheduling.admission import Admission, AdmissionLimits
from csm_engine.scheduling.step_times import StepTimes
from parley_serving import StartError

AT_ONCE = (1, 2, 4)


def run(settings: Settings) -> list[Finding]:
    """Whether it speaks; for a CSM also how many could."""
    try:
        rounds = asyncio.run(_measure(settings))
    except (CommandError, StartError) as error:
        return [Finding("speech", State.BROKEN, str(error), "mend that, and ask the doctor again")]
    speech = spoken(rounds)
    # The rehearsal makes whole sentences: steps say nothing of it.
    if settings.model == REHEARSAL or speech.state is State.BROKEN:
        return [speech]
    return [speech, conversations(rounds, settings.streams)]


async def _measure(settings: Settings) -> list[Round]:
    """Until it is slower than speech: more at once would say the same for minutes."""
    rounds: list[Round] = []
    async with loaded(settings) as speaker:
        await speaker.warm()
        for number in AT_ONCE:
            if number > settings.streams:
                break
            rounds.append(await hold(speaker, number, sentences=1, voice="default"))
            if (rounds[-1].frame_seconds or math.inf) > FRAME_SECONDS:
                break
    return rounds


def by_roofline(streams: int) -> Finding:
    """Of a model that could not be run on a GPU that is there."""
    says = f"{_capacity((), streams)[0]} at once by roofline (an H200's): nothing was measured here"
    return Finding("conversations", State.WEAK, says, "mend what is broken, and it is measured")


def spoken(rounds: Sequence[Round]) -> Finding:
    if why := next((each.why for each in rounds if each.why is not None), None):
        return Finding("speech", State.BROKEN, why, "see the log for what came before")
    if not all(each.frames for each in rounds):
        return Finding("speech", State.BROKEN, "it made no sound", "take another voice or model")
    alone = rounds[0]
    says = f"first frame after {milliseconds(alone.first.p50)} ms, real-time factor {alone.real_time_factor:.3f}"
    return Finding("speech", State.FINE, says)


def conversations(rounds: Sequence[Round], streams: int) -> Finding:
    many, step = _capacity(rounds, streams)
    tried = max(each.conversations for each in rounds)
    measured = f"a frame takes {milliseconds(step)} ms, measured here with up to {tried} at once"
    if step > FRAME_SECONDS:
        says = f"none in real time: {measured}; it lasts {1000 * FRAME_SECONDS:.0f}"
        fix = "give it a GPU (CSM_DEVICE=cuda), or set CSM_MODEL=rehearsal"
        return Finding("conversations", State.BROKEN, says, fix)
    says = f"{many} speaking at once (CSM_STREAMS={streams}): {measured}"
    if many < streams:
        fix = f"set CSM_STREAMS={many}: more would hear gaps"
        return Finding("conversations", State.WEAK, says, fix)
    return Finding("conversations", State.FINE, says)


def _capacity(rounds: Sequence[Round], streams: int) -> tuple[int, float]:
    """How many fit, and the seconds of a frame for one."""
    times = StepTimes()
    for each in rounds:
        if each.frame_seconds is not None:
            times.learn(each.conversations, 0, each.frame_seconds)
    return Admission(times, AdmissionLimits(streams=streams)).capacity(), times.round(1)

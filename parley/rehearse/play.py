"""One scenario as a call in text: the whole session of its persona, on a time that nobody waits for."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from functools import partial

from livekit.agents import AgentSession, FunctionToolsExecutedEvent, llm
from openai import AsyncOpenAI

from agent.call import Call, CallRequest
from agent.clips import Clip
from agent.config import Settings
from agent.conversation import Conversation
from agent.persona import Persona, filled, with_defaults
from agent.session import Models, assemble
from agent.tools.declared import SECRET_PREFIX
from parley.rehearse import clock
from parley.rehearse.caller import Caller
from parley.rehearse.ears import Line
from parley.rehearse.hearing import Hearing
from parley.rehearse.listener import Ear
from parley.rehearse.mind import RealMind, ScriptedMind
from parley.rehearse.record import Record, ToolUse
from parley.rehearse.scenario import Part, Scenario
from parley.rehearse.stage import Stage
from parley.rehearse.telephone import Telephone
from parley.rehearse.voice import Voice
from parley.scripted.play import Player
from parley_serving import load_settings

CALLER, AGENT = "+15550199", "+15550100"
HUNG_UP = "caller hung up"
LONGEST = 7200.0
"""Seconds of a call, on its own time: one that hangs shall fail."""


def play(stage: Stage) -> Record:
    """Seconds of real time at most, but with a real model: that takes its own.

    The worker's settings hold here too; bad ones end the process with a word.
    """
    call = _call(stage, load_settings(Settings, besides=SECRET_PREFIX))
    return clock.run(call) if stage.scenario.model is None else asyncio.run(call)


async def _call(stage: Stage, settings: Settings) -> Record:
    try:
        async with asyncio.timeout(LONGEST):
            return await _Rehearsal(stage, settings).run()
    except TimeoutError:
        return Record(error=f"it did not end in {LONGEST:.0f} s", seconds=LONGEST)


class _Rehearsal:
    def __init__(self, stage: Stage, settings: Settings) -> None:
        self._stage = stage
        self._record = Record()
        self._voice = Voice(self._works("voice"))
        clips = [Clip.load("moment"), Clip.load("goodbye")]
        self._ear = Ear(self._record, Hearing(self._voice.word_of, clips))
        self._settings = settings.model_copy(update={"personas": stage.folder})
        request = _request(stage.scenario)
        persona = with_defaults(stage.persona, self._settings.turn)
        self._persona = filled(persona, request, datetime.now().astimezone())
        self._line = Line(persona.language, self._works("ears"))
        self._session = self._assembled(self._persona)
        self._session.output.audio = self._ear.output
        self._session.output.transcription = self._ear.words
        self._session.on("function_tools_executed", self._on_tools)
        self._telephone = Telephone(stage.scenario, self._record)

    async def run(self) -> Record:
        record, call = self._record, Call(id="rehearsed", started_at=0.0)
        talk = Conversation(self._settings, self._persona, call, self._session)
        scenario = self._stage.scenario
        caller = Caller(
            scenario,
            self._line,
            self._ear,
            record,
            self._telephone.caller_presses,
            beep=partial(self._line.beep, hear=talk.hear),
        )
        talk.introduce(self._persona, placed=scenario.direction == "outbound")
        await talk.start(self._telephone)
        agent, calling = asyncio.create_task(talk.run()), asyncio.create_task(caller.talk())
        beside = [asyncio.create_task(each) for each in (self._line.run(), caller.rustle())]
        try:
            await asyncio.wait({agent, calling}, return_when=asyncio.FIRST_COMPLETED)
            if calling.done():
                calling.result()  # what went wrong with the caller is ours, not the agent's
            if agent.done() and (error := agent.exception()):
                record.error = f"it failed with {type(error).__name__}"
            else:
                record.ended = agent.result() if agent.done() else HUNG_UP
            record.seconds = self._ear.now
        finally:
            for task in (agent, calling, *beside):
                task.cancel()
            await asyncio.wait({agent, calling, *beside})
            await talk.aclose()
            await self._ear.aclose()
        record.interruptions = call.interruptions
        record.outcome = call.outcome and str(call.outcome)
        record.history = [
            message.text_content or ""
            for message in self._session.history.messages()
            if message.role == "assistant"
        ]
        return record

    def _assembled(self, persona: Persona) -> AgentSession[None]:
        models = Models(
            ears=self._line.ears,
            mind=self._mind(),
            voice=self._voice,
            detector=self._line.vad,
            turns=self._line.turns,
        )
        return assemble(self._settings, persona, models)

    def _mind(self) -> llm.LLM:
        script, model = self._stage.script, self._stage.scenario.model
        if script is not None:
            return ScriptedMind(Player(script), self._record, self._works("mind"))
        assert model is not None
        client = AsyncOpenAI(base_url=model.url, api_key=self._stage.key, max_retries=0)
        return RealMind(self._record, model=model.model, client=client)

    def _works(self, part: Part) -> Callable[[], bool]:
        away = [each for each in self._stage.scenario.away if each.part == part]

        def works() -> bool:
            return not any(0 <= self._ear.now - each.after < each.seconds for each in away)

        return works

    def _on_tools(self, event: FunctionToolsExecutedEvent) -> None:
        for call in event.function_calls:
            self._record.tools.append(ToolUse.of(call.name, call.arguments))


def _request(scenario: Scenario) -> CallRequest:
    ends = (AGENT, CALLER) if scenario.direction == "inbound" else (CALLER, AGENT)
    return CallRequest.model_validate(
        {
            "direction": scenario.direction,
            "to": ends[0],
            "from": ends[1],
            "vars": scenario.vars,
        }
    )

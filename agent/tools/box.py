"""The tools of one call, made of what its persona declares."""

import re
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from livekit import rtc
from livekit.agents import AgentSession, llm, stt

from agent import tones
from agent.persona import Persona
from agent.tools.calendar import keeping
from agent.tools.calls import Switchboard, ending, pressing, stopping, transferring
from agent.tools.declared import Declaration, parse
from agent.tools.guard import Filler, ToolFailure, Work, as_tool
from agent.tools.http import asking
from agent.tools.keypad import Keypad, collecting
from agent.tools.kinds import (
    Calendar,
    CollectDigits,
    EndCall,
    Http,
    Keys,
    Knowledge,
    Mcp,
    Python,
    SendDtmf,
    StopRecording,
    TakeMessage,
    Tones,
    Transfer,
)
from agent.tools.knowledge import searching
from agent.tools.message import taking
from agent.tools.python import calling
from agent.tools.telephone import Telephone
from agent.warm import Introduction

RINGING = 30
"""Seconds, for a persona that hands callers over without the tool."""

NOT_HANDED_OVER = (
    "The caller pressed the key for a person, but the transfer failed: {why} Say so, and offer to "
    "help yourself."
)


@dataclass(frozen=True)
class Surroundings:
    """What the tools of a call may reach. Without a telephone (a console) there is no transfer.

    `folder` is that of the personas; `secrets` the environment. `stop_recording`, told whether to
    discard what was recorded, returns whether anything is or was. `hold` is told when the caller
    begins to wait for somebody else, and when that was in vain.
    """

    session: AgentSession[None]
    telephone: Telephone | None
    end: Callable[[str], None]
    call_id: str
    folder: Path
    secrets: Mapping[str, str]
    stop_recording: Callable[[bool], bool]
    hold: Callable[[bool], None]


class Toolbox:
    """`tools` are the agent's; `run` serves the keys that work without the model."""

    def __init__(self, persona: Persona, around: Surroundings) -> None:
        declared = parse(persona.tools)
        self._session = around.session
        self._keys = next((tool for tool in declared if isinstance(tool, Keys)), None)
        self._keypad = Keypad(self._keys, persona.language)
        self._tones = tones.Tones() if any(isinstance(tool, Tones) for tool in declared) else None
        self._switchboard = _switchboard(persona, declared, around)
        self._around = around
        plan = persona.failure_plan
        filler = Filler(plan.filler_message, plan.filler_seconds)
        end_call = next((tool for tool in declared if isinstance(tool, EndCall)), None)
        works = [ending(end_call, around.end)]
        for tool in declared:
            works += self._works(tool)
        self.tools: list[llm.Tool | llm.Toolset] = [as_tool(work, filler) for work in works]
        for tool in declared:
            if isinstance(tool, Mcp):
                self.tools.append(_mcp(tool, around.secrets, filler))
        if around.telephone:
            around.telephone.on_key(self._keypad.press)

    @property
    def secret(self) -> bool:
        """What the caller says now is for a masked input: nobody is to keep it."""
        return self._keypad.secret

    @property
    def collecting(self) -> bool:
        """A tool waits for the caller's digits."""
        return self._keypad.collecting

    def took_since(self, moment: float) -> bool:
        """Whether words of the caller's were for a tool, at the loop's time `moment` or later."""
        return self._keypad.took_at >= moment

    def hear(self, frame: rtc.AudioFrame) -> None:
        """The caller's sound, as it comes in."""
        for key in self._tones.hear(frame) if self._tones else "":
            self._keypad.press(key)

    async def listen(
        self, events: AsyncIterable[stt.SpeechEvent]
    ) -> AsyncGenerator[stt.SpeechEvent]:
        """What was heard, but what is for a tool: that goes no further."""
        async for event in events:
            if not self._keypad.takes(event):
                yield event

    async def hand_over(self, to: str) -> None:
        """A name of the persona's transfers, or the number of its failure plan; cold, for a part of ours
        that fails could not tell anybody.

        The call is over when this returns. Raises `ToolFailure`: the caller is still ours.
        """
        await self._switchboard.hand_over(to, cold=True)

    async def run(self) -> None:
        """Do what the caller's keys ask for, until cancelled."""
        while True:
            deed = await self._keypad.wanted.get()
            with suppress(RuntimeError):  # a goodbye may be such that it is said to its end
                self._session.interrupt()
            if deed == "human":
                await self._to_a_person()
                self._keypad.forget()  # an impatient caller presses it more than once

    async def parting(self, reason: str) -> str:
        """Why the call is over, once the caller has left for `reason`."""
        return await self._switchboard.parting(reason)

    async def _to_a_person(self) -> None:
        assert self._keys is not None
        assert self._keys.to is not None
        try:
            await self._switchboard.hand_over(self._keys.to)
        except ToolFailure as failure:
            why = NOT_HANDED_OVER.format(why=failure.message)
            self._session.generate_reply(instructions=why, tool_choice="none")

    def _works(self, tool: Declaration) -> list[Work]:
        works: list[Work] = []
        match tool:
            case Transfer():
                works = [transferring(tool, self._switchboard)]
            case SendDtmf():
                works = [pressing(tool, self._around.telephone)]
            case StopRecording():
                works = [stopping(tool, self._around.stop_recording)]
            case CollectDigits():
                works = [collecting(tool, self._keypad)]
            case TakeMessage():
                works = [taking(tool, self._around.folder, self._around.call_id, _now)]
            case Calendar():
                works = keeping(tool, self._around.folder, _now)
            case Http():
                works = [asking(tool, self._around.secrets, self._keypad.kept)]
            case Knowledge():
                works = [searching(tool, self._around.folder)]
            case Python():
                works = [calling(tool)]
        return works


def _mcp(declared: Mcp, secrets: Mapping[str, str], filler: Filler) -> llm.Toolset:
    from agent.tools.mcp import McpTools  # noqa: PLC0415  # needs a package of its own

    return McpTools(declared, secrets, filler)


def _now() -> datetime:
    return datetime.now(UTC)


def _switchboard(
    persona: Persona, declared: tuple[Declaration, ...], around: Surroundings
) -> Switchboard:
    tool = next((tool for tool in declared if isinstance(tool, Transfer)), None)
    numbers = dict(tool.transfers) if tool else {}
    last_resort = persona.failure_plan.transfer_to
    if last_resort and re.match(r"\+|sip:", last_resort):
        numbers[last_resort] = last_resort
    ringing = tool.ringing_seconds if tool else RINGING
    introduction = _introduction(persona, tool, around) if tool and tool.mode == "warm" else None
    return Switchboard(around.telephone, numbers, ringing, around.end, introduction)


def _introduction(persona: Persona, tool: Transfer, around: Surroundings) -> Introduction:
    clip = around.folder / persona.hold_music if persona.hold_music else None
    return Introduction(
        around.session, tool, language=persona.language, clip=clip, hold=around.hold
    )

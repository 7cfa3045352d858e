"""Tools that act on the call: end it, hand it over, press keys."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Literal

from livekit.agents import RunContext
from pydantic import Field, create_model

from agent.tools.digits import keys_in
from agent.tools.guard import Arguments, ToolFailure, Work
from agent.tools.kinds import EndCall, SendDtmf, StopRecording, Transfer
from agent.tools.telephone import Telephone
from agent.warm import Introduction, NotJoinedError
from sip.transfer import TransferError

END_CALL = "End the telephone call. Say goodbye first; use it when the caller wants to stop."
STOP_RECORDING = "Stop recording this call. Use it when the caller does not want to be recorded."
BETWEEN_KEYS = 0.3
PAUSE = 0.5
"""Seconds: what most menus tell keys apart by, and what `w` waits."""

TRANSFERRED = "transferred"
PARTING = 2.0
"""Seconds that LiveKit may take to tell of a transfer after its caller has left."""

WHY = {
    "busy": "The line is busy.",
    "no_answer": "Nobody answers.",
    "rejected": "The call was not taken.",
    "refused": "The telephone line does not allow it.",
    "caller_left": "The caller has hung up.",
    "unreachable": "The telephone line did not answer.",
    "under_way": "A transfer is under way already.",
    "no_telephone": "This is no telephone call.",
}


async def _said(context: RunContext[None]) -> None:
    """Until the words before the tool were heard. Raises `ToolFailure` if the caller cut them off:
    who speaks into a goodbye wants something."""
    await context.wait_for_playout()
    if context.speech_handle.interrupted:
        raise ToolFailure("interrupted", "The caller spoke on, so it was not done.")


def ending(declared: EndCall | None, end: Callable[[str], None]) -> Work:
    async def end_call(context: RunContext[None], _: Arguments) -> None:
        await _said(context)
        end("agent hung up")

    about = declared.description if declared and declared.description else END_CALL
    return Work("end_call", about, Arguments, end_call, meanwhile=False)


class Switchboard:
    """Hands callers over, to numbers of the persona's own and no others; warm by an `introduction`."""

    def __init__(
        self,
        telephone: Telephone | None,
        numbers: Mapping[str, str],
        ringing: int,
        end: Callable[[str], None],
        introduction: Introduction | None = None,
    ) -> None:
        self._telephone = telephone
        self._numbers = numbers
        self._ringing = ringing
        self._end = end
        self._introduction = introduction
        self._under_way = False
        self._referred: asyncio.Future[bool] | None = None

    async def parting(self, reason: str) -> str:
        """Why a call is over whose caller has left for `reason`.

        Who is handed over hangs up, and we may see that before we are told that all went well.
        """
        taken = self._referred
        if taken is None:
            return reason
        await asyncio.wait({taken}, timeout=PARTING)
        return TRANSFERRED if taken.done() and taken.result() else reason

    async def hand_over(self, name: str, *, cold: bool = False) -> None:
        """The call is over when this returns. Raises `ToolFailure`: the caller is still ours.

        `cold`: without words of ours to whoever takes it.
        """
        number = self._numbers.get(name)
        if number is None:
            raise ToolFailure("not_allowed", f"There is no transfer to {name!r}.")
        if self._telephone is None:
            raise ToolFailure("transfer_failed", WHY["no_telephone"])
        if self._under_way:
            raise ToolFailure("transfer_failed", WHY["under_way"])
        self._under_way = True
        try:
            if self._introduction and not cold:
                await self._introduction.bring(self._telephone, number)
            else:
                await self._refer(self._telephone, number)
        except (TransferError, NotJoinedError) as error:
            raise ToolFailure("transfer_failed", WHY[error.reason]) from error
        finally:
            self._under_way = False
        self._end(TRANSFERRED)

    async def _refer(self, telephone: Telephone, number: str) -> None:
        taken = self._referred = asyncio.get_running_loop().create_future()
        try:
            await telephone.transfer(number, self._ringing)
            taken.set_result(True)
        finally:
            self._referred = None
            if not taken.done():
                taken.set_result(False)


def transferring(declared: Transfer, switchboard: Switchboard) -> Work:
    names: Any = Literal[tuple(declared.transfers)]
    arguments: Any = create_model("TransferTo", __base__=Arguments, to=(names, ...))

    async def transfer_call(context: RunContext[None], wanted: Any) -> None:
        await _said(context)
        await switchboard.hand_over(wanted.to)

    about = declared.description or "Hand the caller over to a person. Say so first."
    return Work("transfer_call", about, arguments, transfer_call, meanwhile=False)


def stopping(declared: StopRecording, stop: Callable[[bool], bool]) -> Work:
    async def stop_recording(_: RunContext[None], __: Arguments) -> object:
        if not stop(declared.discard):
            return {"status": "not recorded"}
        return {"status": "stopped and discarded" if declared.discard else "stopped"}

    about = declared.description or STOP_RECORDING
    return Work("stop_recording", about, Arguments, stop_recording)


class KeysToPress(Arguments):
    keys: str = Field(
        min_length=1,
        pattern=r"^[0-9*#A-Dw ]+$",
        description="Keys 0-9, *, #, A-D in turn; w waits half a second.",
    )


def pressing(declared: SendDtmf, telephone: Telephone | None) -> Work:
    async def send_dtmf(context: RunContext[None], wanted: KeysToPress) -> object:
        keys = keys_in(wanted.keys)
        if len(keys) > declared.max_keys:
            raise ToolFailure("bad_arguments", f"keys: at most {declared.max_keys}")
        if telephone is None:
            raise ToolFailure("no_telephone", WHY["no_telephone"])
        await _said(context)
        for key in keys:
            if key == "w":
                await asyncio.sleep(PAUSE)
            else:
                await telephone.press(key)
                await asyncio.sleep(BETWEEN_KEYS)
        return {"status": "pressed"}

    about = declared.description or "Press keys on the telephone, for a menu at the other end."
    return Work("send_dtmf", about, KeysToPress, send_dtmf, meanwhile=False)

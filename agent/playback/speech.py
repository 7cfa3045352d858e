"""One speech on its way into the room: paced, paused without loss, faded out."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress

from livekit import rtc

from agent.playback.fade import cut, faded
from agent.playback.room import PIECE, Room

CLIP_WITHIN = 1.0
"""Seconds after the agent's last sound in which a clip still belongs to it."""

CLIP_LEVEL = 0.8


class Speech:
    """What `add` takes is given to the room piece by piece, by `run`, until the end or `stop`.

    `ended(position, interrupted)` is called when the caller has heard the last of it; a clip after
    an interruption does not count.
    """

    def __init__(
        self,
        room: Room,
        ended: Callable[[float, bool], None],
        *,
        fade: float,
        clip: Sequence[rtc.AudioFrame],
        paused: bool,
    ) -> None:
        self.waiting = 0.0
        """Seconds not given to the room."""
        self.complete = False
        """Whether nothing more is added."""
        self.repeated = 0.0
        """Seconds that the caller heard twice: faded into a pause, and again after it."""
        self._room = room
        self._ended = ended
        self._fade = fade
        self._clip = clip
        self._paused = paused
        self._pieces: deque[rtc.AudioFrame] = deque()
        self._given = 0.0
        self._tail = 0.0  # that faded in this pause, and waits for the end of it at full level
        self._stopped = False
        self._changed = asyncio.Event()
        room.finished.clear()

    def add(self, frame: rtc.AudioFrame) -> None:
        self._pieces.extend(cut(frame, PIECE))
        self.waiting += frame.duration
        self._changed.set()

    def end(self) -> None:
        self.complete = True
        self._changed.set()

    def stop(self) -> None:
        """The caller has interrupted: what was not given is dropped, but for the fade."""
        self._stopped = self.complete = True
        self._changed.set()

    def pause(self) -> None:
        self._paused = True
        self._changed.set()

    def resume(self) -> None:
        """Go on from where the voice began to fade."""
        self._paused = False
        self.repeated += self._tail
        self._tail = 0.0
        self._changed.set()

    def abandon(self) -> None:
        """Nobody takes the sound: what was given is all that was heard."""
        self._end(interrupted=True)

    async def run(self) -> None:
        while not self._stopped and not (self.complete and not self._pieces):
            if self._paused:
                await self._fade_out()
                await self._change()
            elif self._pieces and not self._room.wait:
                await self._give_next()
            else:
                await self._change(self._room.wait if self._pieces else None)
        if not self._given:  # unheard
            self._end(interrupted=True)
        elif self._stopped and not self._fade and not self._paused:
            await self._cut_off()
        elif self._stopped:
            await self._go_down()
        else:
            self._room.flush()
            await self._room.finished.wait()
            self._end(interrupted=self._stopped)

    async def _cut_off(self) -> None:
        self._given -= self._room.ahead
        self._room.flush()
        self._room.drop()
        await self._room.finished.wait()
        self._end(interrupted=True)

    async def _go_down(self) -> None:
        with_clip = bool(self._clip) and self._room.silent_for < CLIP_WITHIN
        await self._fade_out()
        rest = self._room.ahead
        if with_clip:
            seconds = sum(frame.duration for frame in self._clip)
            await self._room.give(faded(self._clip, seconds, CLIP_LEVEL))
        self._room.flush()
        with suppress(TimeoutError):
            async with asyncio.timeout(rest):
                await self._room.finished.wait()
        self._end(interrupted=True)
        await self._room.finished.wait()

    async def _give_next(self) -> None:
        piece = self._pieces[0]
        await self._room.give(piece)
        self._pieces.popleft()
        self.waiting -= piece.duration
        self._given += piece.duration

    async def _fade_out(self) -> None:
        """Once a pause, and only of a voice that sounds: the pieces themselves are kept."""
        if self._tail or not self._fade or not self._pieces or self._room.silent_for > 0:
            return
        tail = faded(self._pieces, self._fade)
        self._tail = tail.duration
        await self._room.give(tail)

    def _end(self, *, interrupted: bool) -> None:
        self._pieces.clear()
        self.waiting = 0.0
        self._ended(self._given + self._tail, interrupted)

    async def _change(self, within: float | None = None) -> None:
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                await self._changed.wait()

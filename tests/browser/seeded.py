"""A ledger with calls in it, and what else stands behind the pages that show them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from livekit import api
from playwright.async_api import Page
from sqlalchemy.orm import Session

from agent.recording.files import Draft
from ledger.tables import CallRow, EventRow, LegRow, ToolCallRow, TurnRow
from parley.settings import ROOT
from sip.reaper import Room
from tests.ledger.rows import call_values
from tests.livekit_server import Server
from tests.web.rig import Rig, now, serving
from web.server.engines import EngineLoad
from web.server.entry import Entry
from web.server.tickets import Tickets

DIST = ROOT / "web" / "room" / "dist"
RATE = 16_000
WHOLE = "whole"
"""The call that has all that a call can have."""

EARLIER = 60
"""Calls besides it: more than a page."""

OUTCOMES = ("answered", "answered", "answered", "busy", "no_answer", "failed")
SHARES = {"transcription_delay": 0.31, "end_of_turn_delay": 0.38}
TALK: tuple[tuple[float, str, str, bool, Any], ...] = (
    (2.0, "assistant", "Harbor Dental, good morning. How can I help?", False, {}),
    (6.0, "user", "Hello, what are your opening hours on Friday?", False, SHARES),
    (9.0, "assistant", "On Fridays we are open from nine in the morning", True, 0.74),
    (12.0, "user", "And could I come in at ten?", False, SHARES),
    (15.0, "assistant", "At ten we have room. Shall I put you down?", False, 0.62),
    (20.0, "user", "Yes, please. My name is Lee.", False, SHARES),
    (24.0, "assistant", "Thank you, Ms. Lee. Is there anything else?", False, 0.58),
    (29.0, "user", "No, that is all. Thank you.", False, SHARES),
    (33.0, "assistant", "Then until Friday at ten. Goodbye!", False, 0.55),
)


@asynccontextmanager
async def filled(livekit: Server, folder: Path) -> AsyncIterator[Rig]:
    """The pages and their server, with nobody to answer."""
    settings = livekit.settings
    tickets = Tickets(
        livekit.ports.livekit_url, settings.livekit_api_key, settings.livekit_api_secret
    )
    async with serving(
        folder, entry=Entry(is_open=True), tickets=tickets, engines=SomeEngines(), pages=DIST
    ) as rig:
        _fill(rig)
        yield rig


def _fill(rig: Rig) -> None:
    """One call that is whole, and many that are short, back from now."""
    _whole(rig, now() - timedelta(minutes=5))
    for n in range(EARLIER):
        began = now() - timedelta(hours=1 + 3 * n)
        outcome = OUTCOMES[n % len(OUTCOMES)]
        own: dict[str, Any] = {
            "started_at": began,
            "seen_at": began,
            "ended_at": began + timedelta(seconds=40 + n),
            "answered_at": began + timedelta(seconds=1) if outcome == "answered" else None,
            "state": "ended",
            "outcome": outcome,
            "from_number": f"+1202555{n:04}",
            "persona": "clerk" if n % 3 else "receptionist",
        }
        rig.write(CallRow, **call_values(f"c{n:02}", **own))
        took = {"e2e_latency": 0.5 + n % 7 / 10, "tts_node_ttfb": 0.12, "playback_latency": 0.05}
        said = {"call_id": f"c{n:02}", "at": began, "text": "Good day.", "interrupted": n % 5 == 0}
        rig.write(TurnRow, **said, role="assistant", latencies=SHARES | took)
        if n % 4 == 0:
            kind = "interruption" if n % 8 else "failure"
            rig.write(EventRow, call_id=f"c{n:02}", at=began, kind=kind, details={"part": "ears"})


def _whole(rig: Rig, began: datetime) -> None:
    def at(seconds: float) -> datetime:
        return began + timedelta(seconds=seconds)

    recording = tone(rig.folder / "recordings")
    usage = {
        "line_seconds": 61.0,
        "models": [{"type": "llm_usage", "model": "gemma", "input_tokens": 912}],
    }
    values = call_values(
        WHOLE,
        started_at=began,
        seen_at=at(61),
        answered_at=at(1),
        ended_at=at(61),
        state="ended",
        outcome="answered",
        end_reason="the caller hung up",
        from_number="+12025550142",
        persona="receptionist",
        recording=str(recording),
        usage=usage,
        summary="Asked for the opening hours on Friday and took ten o'clock.",
    )
    rig.write(CallRow, **values)
    rig.write(LegRow, call_id=WHOLE, identity="caller", number="+12025550142", joined_at=at(0))
    for kind, seconds in (("state", 1.0), ("recording", 1.0), ("interruption", 11.0)):
        details = {"state": "active"} if kind == "state" else {}
        rig.write(EventRow, call_id=WHOLE, at=at(seconds), kind=kind, details=details)
    rig.write(
        ToolCallRow, call_id=WHOLE, at=at(14), tool="find_a_time", arguments={"day": "Friday"},
        result="10:00", failed=False, seconds=0.21,
    )  # fmt: skip
    for seconds, role, text, cut, took in TALK:
        latencies = {"e2e_latency": took, "tts_node_ttfb": 0.1} if isinstance(took, float) else took
        rig.write(
            TurnRow, call_id=WHOLE, at=at(seconds), role=role, text=text, interrupted=cut,
            latencies=latencies,
        )  # fmt: skip


def tone(folder: Path) -> Path:
    """A minute of both sides, as they speak in `TALK`, the way the recorder writes them."""
    sound = np.zeros((60 * RATE, 2), np.int16)
    swell = np.sin(np.arange(2 * RATE) * 0.05) * (1 + np.sin(np.arange(2 * RATE) * 0.0006)) * 6000
    for seconds, role, *_ in TALK:
        first = int((seconds - 1) * RATE)
        sound[first : first + 2 * RATE, 0 if role == "user" else 1] = swell
    draft = Draft(folder / f"{WHOLE}.ogg", "opus", RATE)
    draft.write(sound)
    draft.finish()
    return draft.path


def goes_on(rig: Rig) -> Room:
    """The one call that does; nothing has been asked of it. Its worker outlives the tests."""
    with Session(rig.engine) as session:
        if session.get(CallRow, "live") is None:
            seen = now() + timedelta(minutes=10)
            rig.call("live", from_number="+12025550143", persona="receptionist", seen_at=seen)
    rig.switchboard.asked.clear()
    room = Room("call-live", 5.0, 1, 1)
    rig.switchboard.calls = [room]
    return room


class SomeEngines:
    """A voice with room, and ears that are away."""

    async def look(self) -> list[EngineLoad]:
        return [
            EngineLoad(name="voice", state="ready", held=1, room=7, model="csm-1b"),
            EngineLoad(name="ears", state="absent", about="it does not answer"),
        ]


def joining(livekit: Server, room: str) -> str:
    """A token for somebody in that call."""
    settings = livekit.settings
    secret = settings.livekit_api_secret.get_secret_value()
    token = api.AccessToken(settings.livekit_api_key, secret)
    grants = api.VideoGrants(room_join=True, room=room)
    return token.with_identity("caller").with_grants(grants).to_jwt()


async def fits(page: Page) -> None:
    """Nothing has to be scrolled to from the side."""
    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, wide

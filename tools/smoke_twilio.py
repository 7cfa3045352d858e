"""One call through Twilio's real network, on a trunk that is there for it alone: `make smoke-twilio`.

Needs an account's credentials in .env, sip.yaml, a running `parley up` whose bridge Twilio reaches, and
a number of the account's that no trunk has (TWILIO_SMOKE_NUMBER). Makes a trunk with a random suffix at
both ends, has Twilio call the number, sees the agent answer, and removes everything, also after a
failure. TWILIO_SMOKE_FROM, another number of the account's, makes the call come over the telephone
network; without it, Twilio calls the bridge by SIP. Costs some cents.
"""

import asyncio
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import ValidationError

from agent.yaml_file import BadFileError
from parley.applied import livekit_client
from parley.ports import Ports
from parley.settings import BadSettingsError, Settings, full_environment
from sip.changes import Side, SideError, StoppedError, apply
from sip.line import Line
from sip.livekit_side import for_line
from sip.twilio_side import from_environment
from sip.twilio_side.login import Login

NUMBER, FROM = "TWILIO_SMOKE_NUMBER", "TWILIO_SMOKE_FROM"
PATIENCE = 45.0
"""Seconds for the call to be answered."""

LOOK = 1.0
HELD = 8
"""Seconds that the call lasts: the agent greets."""

OVER = ("completed", "busy", "failed", "no-answer", "canceled")

Place = Callable[[], Awaitable[None]]
"""Makes the call; returns when it was answered. Raises `SmokeError`."""


class SmokeError(Exception):
    """What went wrong, for a person."""


@dataclass
class Told:
    """What is printed."""

    say: Callable[[str], object] = print


async def smoke(sides: Sequence[Side], place: Place, told: Told) -> bool:
    """Make, call, remove. False: something went wrong, or was left; it has been told."""
    try:
        for side in sides:
            async for change in apply(await side.plan()):
                told.say(f"made: {change.action} {change.kind} {change.name}")
        await place()
        told.say("the agent answered")
        good = True
    except (SideError, StoppedError, SmokeError) as error:
        told.say(f"failed: {error}")
        good = False
    finally:
        clean = await _removed(sides, told)
    return good and clean


async def _removed(sides: Sequence[Side], told: Told) -> bool:
    """One side that cannot be cleared does not keep the other."""
    clean = True
    for side in reversed(sides):
        try:
            async for change in apply(await side.plan_destroy()):
                told.say(f"removed: {change.kind} {change.name}")
        except (SideError, StoppedError) as error:
            clean = False
            told.say(f"left at {side.name}, remove it by hand: {error}")
    return clean


def line_for(base: Line, number: str, suffix: str) -> Line:
    """The line of sip.yaml with this number alone, under names of its own. Raises `SmokeError`."""
    if number in {each.number for each in base.numbers}:
        raise SmokeError(f"{NUMBER} is a number of sip.yaml's: take one that no line has")
    given = base.model_dump(by_alias=True, exclude_unset=True) | {
        "name": f"smoke-{suffix}",
        "domain": f"parley-smoke-{suffix}",
        "numbers": [{"number": number, "persona": base.numbers[0].persona}],
    }
    for own in ("outbound", "spend"):
        given.pop(own, None)
    try:
        return Line.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise SmokeError(f"{NUMBER}: {first['msg']}") from None


def caller(line: Line, environment: Mapping[str, str]) -> Place:
    """Twilio itself. Raises `SideError` for credentials that are none."""
    from twilio.base.exceptions import TwilioException  # type: ignore[import-untyped]  # noqa: PLC0415
    from twilio.rest import Client  # type: ignore[import-untyped]  # noqa: PLC0415

    login = Login.from_secrets(environment)
    client = Client(login.user, login.secret.get_secret_value(), login.account)
    number = line.numbers[0].number
    port = line.bridge.tls_port if line.transport == "tls" else line.bridge.sip_port
    by_sip = f"sip:{number}@{line.public_host}:{port};transport={line.transport}"
    from_ = environment.get(FROM)

    def dial() -> str:
        made = client.calls.create(
            to=number if from_ else by_sip,
            from_=from_ or number,
            twiml=f'<Response><Pause length="{HELD}"/></Response>',
        )
        return str(made.sid)

    async def place() -> None:
        try:
            sid = await asyncio.to_thread(dial)
            async with asyncio.timeout(PATIENCE):
                while (status := await asyncio.to_thread(_status, client, sid)) != "in-progress":
                    if status in OVER:
                        raise SmokeError(f"the call was not answered: {status}")
                    await asyncio.sleep(LOOK)
            await asyncio.sleep(HELD)
        except TwilioException as error:
            raise SmokeError(f"Twilio refuses the call: {getattr(error, 'code', error)}") from None
        except TimeoutError:
            raise SmokeError(f"the call was not answered in {PATIENCE:.0f} s") from None

    return place


def _status(client: object, sid: str) -> str:
    return str(client.calls(sid).fetch().status)  # type: ignore[attr-defined]


@asynccontextmanager
async def prepared(environment: Mapping[str, str]) -> AsyncIterator[tuple[list[Side], Place, Line]]:
    """Raises `SmokeError`, `SideError`, `BadSettingsError` or `BadFileError`: nothing was made."""
    Login.from_secrets(environment)
    number = environment.get(NUMBER)
    if not number:
        raise SmokeError(f"{NUMBER} is not set: name a number of the account's that no trunk has")
    settings = Settings.load(environment)
    if not settings.sip_file.exists():
        raise SmokeError(f"{settings.sip_file} is missing: docs/twilio.md says how to write it")
    line = line_for(Line.read(settings.sip_file), number, secrets.token_hex(4))
    ports = Ports.chosen(settings.port_base)
    async with livekit_client(settings, ports, environment) as client:
        livekit = for_line(line, client, environment)
        twilio = from_environment(line, environment)
        yield [livekit, twilio], caller(line, environment), line


async def run(environment: Mapping[str, str], told: Told) -> int:
    """The exit status: 0 good, 1 something went wrong, 2 nothing was tried."""
    try:
        async with prepared(environment) as (sides, place, line):
            good = await smoke(sides, place, told)
    except (BadFileError, BadSettingsError, SideError, SmokeError) as error:
        told.say(f"smoke-twilio: {error}. Nothing was made.")
        return 2
    told.say(f"Twilio keeps the domain {line.domain} for about 30 days, for nobody.")
    return 0 if good else 1


def main() -> int:
    try:
        environment = full_environment()
    except BadSettingsError as error:
        print(f"smoke-twilio: {error}", file=sys.stderr)
        return 2
    return asyncio.run(run(environment, Told()))


if __name__ == "__main__":
    raise SystemExit(main())

"""What Twilio would do with a call to one of our numbers, by what the account says. Reads only."""

from collections.abc import Iterable, Sequence

from sip.changes import SideError
from sip.doctor.finding import Finding, Reporter
from sip.line import Line
from sip.twilio_side.account import Account
from sip.twilio_side.found import Found, Number, Trunk, read

LIMIT = 8.0
"""Seconds: a dozen requests, one after the other."""

APPLY = "run `parley sip apply`"


async def look(
    report: Reporter, account: Account, line: Line, transfers: Iterable[str]
) -> list[Finding]:
    """`transfers` are the numbers and addresses that personas hand callers to."""
    try:
        found = await read(account, line)
    except SideError as error:
        return [report.failed("Twilio could not be asked", str(error))]
    return judge(report, line, found, transfers)


def judge(report: Reporter, line: Line, found: Found, transfers: Iterable[str]) -> list[Finding]:
    """In the order of a call: the number, the trunk, the way to us, and the way on."""
    trouble = [
        each for number in line.numbers for each in _of_number(report, line, found, number.number)
    ]
    if line.mode == "twiml":
        return trouble or [report.ok(f"{len(line.numbers)} numbers ask {line.voice_url}")]
    if found.trunk is None:
        return [report.failed(f"the account has no trunk {line.title!r}", APPLY), *trouble]
    trouble += _of_trunk(report, line, found.trunk, tuple(transfers))
    ways = ", ".join(_ways_in(found.trunk))
    return trouble or [report.ok(f"{len(line.numbers)} numbers by trunk {line.title!r} to {ways}")]


def _of_number(report: Reporter, line: Line, found: Found, number: str) -> Iterable[Finding]:
    if (owned := found.numbers.get(number)) is None:
        yield report.failed(
            f"the account does not own {number}",
            "buy it in Twilio's console, or take it out of sip.yaml",
        )
    elif line.mode == "twiml":
        yield from _of_asking_number(report, line, number, owned)
    elif found.trunk and owned.trunk != found.trunk.sid:
        where = f"on trunk {owned.trunk}" if owned.trunk else "on no trunk"
        yield report.failed(f"{number} is {where}, not on {line.title!r}", APPLY)


def _of_asking_number(
    report: Reporter, line: Line, number: str, owned: Number
) -> Iterable[Finding]:
    if owned.trunk:
        yield report.failed(
            f"{number} is on trunk {owned.trunk}, and so ignores its voice URL", APPLY
        )
    elif owned.settings["voice_url"] != line.voice_url:
        yield report.failed(f"{number} does not ask {line.voice_url}", APPLY)


def _ways_in(trunk: Trunk) -> set[str]:
    return {way.url for way in trunk.ways if way.settings["enabled"]}


def _of_trunk(
    report: Reporter, line: Line, trunk: Trunk, transfers: Sequence[str]
) -> Iterable[Finding]:
    wanted, there = {each.uri for each in line.ways_in}, _ways_in(trunk)
    if not there:
        yield report.failed("the trunk has no origination URL: calls go nowhere", APPLY)
    elif others := there - wanted:
        yield report.failed(f"calls go to {min(others)}, which sip.yaml does not name", APPLY)
    elif missing := wanted - there:
        yield report.warning(f"{min(missing)} is no way in, or switched off", APPLY)
    if trunk.settings["secure"] != line.secure:
        yield report.failed(
            f"the trunk is {'' if trunk.settings['secure'] else 'not '}secure, and sip.yaml says otherwise",
            APPLY,
        )
    yield from _of_transfers(report, str(trunk.settings["transfer_mode"]), transfers)


def _of_transfers(report: Reporter, mode: str, transfers: Sequence[str]) -> Iterable[Finding]:
    telephones = [each for each in transfers if not each.startswith("sip:")]
    refused = {"disable-all": transfers, "sip-only": telephones}.get(mode, ())
    if refused:
        yield report.failed(
            f"personas transfer to {refused[0]}, and the trunk's transfer mode is {mode}",
            f"set transfer: enable-all in sip.yaml, and {APPLY}",
        )

"""Our numbers: on the trunk, or in mode twiml sent to our web server; and the spending alarm."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from sip.changes import Change, SideError
from sip.line import SpendGuard
from sip.twilio_side.objects import Named, Number, Settings, Trigger
from sip.twilio_side.work import Work, drift, new

VOICE_METHOD = "GET"
"""Of `/twiml`."""

CATEGORY, BY, RECURRING = "totalprice", "price", "daily"
"""What the usage trigger watches."""


def number_changes(work: Work) -> Iterator[Change]:
    """Raises `SideError` for numbers that are not the account's, or on another trunk."""
    if problems := list(_problems(work)):
        raise SideError("; ".join(problems))
    if work.line.mode == "twiml":
        yield from _to_our_server(work)
    else:
        yield from _onto_the_trunk(work)


def _problems(work: Work) -> Iterator[str]:
    ours = work.found.trunk.sid if work.found.trunk else None
    for name in (each.number for each in work.line.numbers):
        number = work.found.numbers.get(name)
        if number is None:
            yield (
                f"{name} is not a number of the account {work.account.sid}: buy it, take it out of "
                "sip.yaml, or set TWILIO_ACCOUNT_SID to its account (a sub-account has its own)"
            )
        elif number.trunk and number.trunk != ours:
            trunk, _ = work.found.others.get(number.trunk, ("", ""))
            yield (
                f"{name} is on another trunk, {trunk!r} ({number.trunk}): remove it there (console, "
                "Elastic SIP Trunking, the trunk, Numbers), or take it out of sip.yaml"
            )
        elif work.line.mode == "twiml" and number.application:
            yield (
                f"{name} belongs to the application {number.application}, which goes before its "
                "URL: take it away in the console (Phone Numbers, the number, Voice)"
            )


def _onto_the_trunk(work: Work) -> Iterator[Change]:
    wanted = [each.number for each in work.line.numbers]
    for name in wanted:
        if not (number := work.found.numbers[name]).trunk:
            yield _link(work, name, number)
    for linked in work.found.trunk.numbers if work.found.trunk else ():
        if linked.name not in wanted:
            yield number_unlink(work, linked)


def _link(work: Work, name: str, number: Number) -> Change:
    # Twilio takes the application away from a number that gets a trunk.
    fields = {"application": (number.application, None)} if number.application else {}
    return work.change(
        "link",
        "number",
        name,
        lambda client: work.trunk(client).phone_numbers.create(phone_number_sid=number.sid),
        fields,
    )


def number_unlink(work: Work, linked: Named) -> Change:
    return work.change(
        "unlink",
        "number",
        linked.name,
        lambda client: work.trunk(client).phone_numbers(linked.sid).delete(),
    )


def _to_our_server(work: Work) -> Iterator[Change]:
    # A number on a trunk ignores its URLs.
    for linked in work.found.trunk.numbers if work.found.trunk else ():
        yield number_unlink(work, linked)
    shall: dict[str, str] = {
        "voice_url": work.line.voice_url or "",
        "voice_method": VOICE_METHOD,
    }
    if work.line.disaster_recovery_url:
        shall["voice_fallback_url"] = work.line.disaster_recovery_url
    for each in work.line.numbers:
        yield from _corrected(work, each.number, work.found.numbers[each.number], shall)


def _corrected(work: Work, name: str, number: Number, shall: Settings) -> Iterator[Change]:
    if fields := drift(number.settings, shall):
        changed = {key: shall[key] for key in fields}
        yield work.change(
            "update",
            "number",
            name,
            lambda client: client.incoming_phone_numbers(number.sid).update(**changed),
            fields,
        )


def number_clearing(work: Work) -> Iterator[Change]:
    """Our URLs out of the numbers that have them; other people's stay."""
    ours = {
        "voice_url": work.line.voice_url,
        "voice_fallback_url": work.line.disaster_recovery_url,
    }
    for name, number in work.found.numbers.items():
        shall = {key: "" for key, url in ours.items() if url and number.settings[key] == url}
        yield from _corrected(work, name, number, shall)


def trigger_changes(work: Work) -> Iterator[Change]:
    """What a trigger watches cannot be changed: one that is wrong is replaced, the new one first."""
    triggers, spend = work.found.triggers, work.line.spend
    kept: Sequence[Trigger] = ()
    if spend:
        limit = (CATEGORY, BY, RECURRING, Decimal(_value(spend)))
        kept = [each for each in triggers if each.limit == limit][:1]
        if not kept:
            yield _trigger_creation(work, spend)
        for each in kept:
            yield from _callback_change(work, each, spend)
    for each in triggers:
        if each not in kept:
            yield trigger_removal(work, each)


def _value(spend: SpendGuard) -> str:
    return format(Decimal(str(spend.daily_usd)).normalize(), "f")


def _trigger_creation(work: Work, spend: SpendGuard) -> Change:
    title = work.line.title
    shall: Settings = {"trigger_value": _value(spend), "callback_url": spend.callback_url}
    return work.change(
        "create",
        "usage trigger",
        title,
        lambda client: client.usage.triggers.create(
            friendly_name=title,
            usage_category=CATEGORY,
            trigger_by=BY,
            recurring=RECURRING,
            **shall,
        ),
        new(shall),
    )


def _callback_change(work: Work, trigger: Trigger, spend: SpendGuard) -> Iterator[Change]:
    if trigger.callback_url != spend.callback_url:
        yield work.change(
            "update",
            "usage trigger",
            work.line.title,
            lambda client: client.usage.triggers(trigger.sid).update(
                callback_url=spend.callback_url
            ),
            {"callback_url": (trigger.callback_url, spend.callback_url)},
        )


def trigger_removal(work: Work, trigger: Trigger) -> Change:
    return work.change(
        "delete",
        "usage trigger",
        work.line.title,
        lambda client: client.usage.triggers(trigger.sid).delete(),
    )

"""The trunk, its ways in and its recording."""

from collections.abc import Iterator

from sip.changes import Change, SideError
from sip.line import Line, Origination
from sip.twilio_side.objects import Settings, Way
from sip.twilio_side.work import Work, drift, new

NOT_RECORDED = "do-not-record"
"""Of a trunk that nobody has touched."""


def trunk_changes(work: Work) -> Iterator[Change]:
    """The trunk itself."""
    line, shall = work.line, _settings(work)
    if (trunk := work.found.trunk) is None:
        _refuse_domain_of_others(work)
        given = {"friendly_name": line.title, **{k: v for k, v in shall.items() if v != ""}}
        yield work.creation(
            "trunk", lambda client: client.trunking.v1.trunks.create(**given), new(shall)
        )
    elif fields := drift(trunk.settings, shall):
        _refuse_domain_of_others(work)
        changed = {key: shall[key] for key in fields}
        yield work.change(
            "update",
            "trunk",
            line.title,
            lambda client: work.trunk(client).update(**changed),
            fields,
        )


def _settings(work: Work) -> Settings:
    line = work.line
    return {
        "domain_name": work.domain,
        "secure": line.secure,
        "transfer_mode": line.transfer,
        "disaster_recovery_url": line.disaster_recovery_url or "",
    }


def _refuse_domain_of_others(work: Work) -> None:
    for sid, (name, domain) in work.found.others.items():
        if domain.lower() == work.domain:
            raise SideError(
                f"domain: {domain} is that of the trunk {name!r} ({sid}): choose another in "
                f"sip.yaml, or give that trunk the name {work.line.title!r} to make it this line's"
            )


def way_changes(work: Work) -> Iterator[Change]:
    """Origination URLs that are missing or wrong."""
    there = _ways_by_url(work)
    for uri, origination in _wanted(work.line).items():
        if uri in there:
            yield from _corrected(work, there[uri], origination)
        else:
            yield _made(work, origination)


def way_removals(work: Work) -> Iterator[Change]:
    """Origination URLs too many: after all else, so that the line is never without a way in."""
    there, wanted = _ways_by_url(work), _wanted(work.line)
    for way in work.found.trunk.ways if work.found.trunk else ():
        if way.url not in wanted or way != there[way.url]:
            yield way_removal(work, way)


def _ways_by_url(work: Work) -> dict[str, Way]:
    """The first of each."""
    return {way.url: way for way in reversed(work.found.trunk.ways if work.found.trunk else ())}


def _wanted(line: Line) -> dict[str, Origination]:
    # Calls come by the number's own URL then.
    if line.mode == "twiml":
        return {}
    ways = {each.uri: each for each in line.ways_in}
    if len(ways) < len(line.ways_in):
        raise SideError("origination: a uri is given twice in sip.yaml: give one, by its priority")
    return ways


def _way_settings(way: Origination) -> Settings:
    return {"priority": way.priority, "weight": way.weight, "enabled": True}


def _made(work: Work, way: Origination) -> Change:
    shall = _way_settings(way)
    given = {"sip_url": way.uri, "friendly_name": work.line.title, **shall}
    return work.change(
        "create",
        "origination URL",
        way.uri,
        lambda client: work.trunk(client).origination_urls.create(**given),
        new(shall),
    )


def _corrected(work: Work, way: Way, wanted: Origination) -> Iterator[Change]:
    shall = _way_settings(wanted)
    if fields := drift(way.settings, shall):
        changed = {key: shall[key] for key in fields}
        yield work.change(
            "update",
            "origination URL",
            way.url,
            lambda client: work.trunk(client).origination_urls(way.sid).update(**changed),
            fields,
        )


def way_removal(work: Work, way: Way) -> Change:
    return work.change(
        "delete",
        "origination URL",
        way.url,
        lambda client: work.trunk(client).origination_urls(way.sid).delete(),
    )


def recording_changes(work: Work) -> Iterator[Change]:
    mode = work.line.recording
    is_ = work.found.trunk.recording if work.found.trunk else NOT_RECORDED
    if is_ != mode:
        yield work.change(
            "update",
            "recording",
            work.line.title,
            lambda client: work.trunk(client).recordings().update(mode=mode),
            {"mode": (is_, mode)},
        )


def trunk_removal(work: Work) -> Change:
    # Shown, because it cannot be had again for 30 days.
    domain = work.found.trunk.settings["domain_name"] if work.found.trunk else None
    return work.change(
        "delete",
        "trunk",
        work.line.title,
        lambda client: work.trunk(client).delete(),
        {"domain_name": (str(domain), None)},
    )

"""Who may place calls by the trunk: by a name and password, or only from some addresses."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network

from sip.changes import SECRET, Change
from sip.twilio_side.objects import Address, Named
from sip.twilio_side.work import Work


def credential_changes(work: Work) -> Iterator[Change]:
    """The list, its one user, the link. Twilio never tells a password: a user who is there keeps
    his own, unless it shall `rotate`."""
    title, ours = work.line.title, work.found.credential_list
    if ours is None:
        yield work.creation(
            "credential list",
            lambda client: client.sip.credential_lists.create(friendly_name=title),
            {"friendly_name": (None, title)},
        )
    users = {user.name: user for user in (ours.users if ours else ())}
    name = work.line.credentials.username
    if name not in users:
        yield _user_creation(work, name)
    elif work.rotate:
        yield _rotation(work, users[name])
    for user in users.values():
        if user.name != name:
            yield _user_removal(work, user)
    linked = work.found.trunk.credential_lists if work.found.trunk else ()
    if ours is None or ours.sid not in {each.sid for each in linked}:
        yield work.change(
            "link",
            "credential list",
            title,
            lambda client: work.trunk(client).credentials_lists.create(
                credential_list_sid=work.sid("credential list")
            ),
        )
    for each in linked:
        if ours is None or each.sid != ours.sid:
            yield credential_unlink(work, each)


def _user_creation(work: Work, name: str) -> Change:
    return work.change(
        "create",
        "credential",
        name,
        lambda client: work.credential_list(client).credentials.create(
            username=name, password=work.password.get_secret_value()
        ),
        {"username": (None, name), "password": (None, SECRET)},
    )


def _rotation(work: Work, user: Named) -> Change:
    return work.change(
        "update",
        "credential",
        user.name,
        lambda client: (
            work.credential_list(client)
            .credentials(user.sid)
            .update(password=work.password.get_secret_value())
        ),
        {"password": (SECRET, SECRET)},
    )


def _user_removal(work: Work, user: Named) -> Change:
    return work.change(
        "delete",
        "credential",
        user.name,
        lambda client: work.credential_list(client).credentials(user.sid).delete(),
    )


def credential_unlink(work: Work, linked: Named) -> Change:
    return work.change(
        "unlink",
        "credential list",
        linked.name,
        lambda client: work.trunk(client).credentials_lists(linked.sid).delete(),
    )


def credential_list_removal(work: Work) -> Change:
    return work.change(
        "delete",
        "credential list",
        work.line.title,
        lambda client: work.credential_list(client).delete(),
    )


def ip_changes(work: Work) -> Iterator[Change]:
    """The addresses, then the link: a list without them would keep everybody out."""
    line, ours = work.line, work.found.ip_list
    linked = work.found.trunk.ip_lists if work.found.trunk else ()
    if line.allowed_ips:
        if ours is None:
            yield work.creation(
                "IP access control list",
                lambda client: client.sip.ip_access_control_lists.create(friendly_name=line.title),
                {"friendly_name": (None, line.title)},
            )
        yield from _address_changes(work, ours.addresses if ours else ())
        if ours is None or ours.sid not in {each.sid for each in linked}:
            yield _ip_link(work)
    for each in linked:
        if not line.allowed_ips or ours is None or each.sid != ours.sid:
            yield ip_unlink(work, each)
    if ours and not line.allowed_ips:
        yield ip_list_removal(work)


def _address_changes(work: Work, there: Sequence[Address]) -> Iterator[Change]:
    wanted = {str(network): network for network in work.line.allowed_ips}
    known = {address.network for address in there}
    for name, network in wanted.items():
        if name not in known:
            yield _address_creation(work, network)
    for address in there:
        if address.network not in wanted:
            yield _address_removal(work, address)


def _address_creation(work: Work, network: IPv4Network) -> Change:
    return work.change(
        "create",
        "IP address",
        str(network),
        lambda client: work.ip_list(client).ip_addresses.create(
            friendly_name=str(network),
            ip_address=str(network.network_address),
            cidr_prefix_length=network.prefixlen,
        ),
    )


def _address_removal(work: Work, address: Address) -> Change:
    return work.change(
        "delete",
        "IP address",
        address.network,
        lambda client: work.ip_list(client).ip_addresses(address.sid).delete(),
    )


def _ip_link(work: Work) -> Change:
    return work.change(
        "link",
        "IP access control list",
        work.line.title,
        lambda client: work.trunk(client).ip_access_control_lists.create(
            ip_access_control_list_sid=work.sid("IP access control list")
        ),
    )


def ip_unlink(work: Work, linked: Named) -> Change:
    return work.change(
        "unlink",
        "IP access control list",
        linked.name,
        lambda client: work.trunk(client).ip_access_control_lists(linked.sid).delete(),
    )


def ip_list_removal(work: Work) -> Change:
    return work.change(
        "delete",
        "IP access control list",
        work.line.title,
        lambda client: work.ip_list(client).delete(),
    )

"""What an account has: objects by the path of their collection, with the rules that tie them."""

import re
from collections.abc import Mapping
from copy import deepcopy
from itertools import count
from typing import Any

Object = dict[str, Any]

PREFIXES = {
    "Trunks": "TK",
    "OriginationUrls": "OU",
    "CredentialLists": "CL",
    "Credentials": "CR",
    "IpAccessControlLists": "AL",
    "IpAddresses": "IP",
    "IncomingPhoneNumbers": "PN",
    "Triggers": "UT",
}
DEFAULTS: Mapping[str, Object] = {
    "Trunks": {
        "secure": False,
        "transfer_mode": "disable-all",
        "transfer_caller_id": "from-transferee",
        "cnam_lookup_enabled": False,
        "recording": {"mode": "do-not-record", "trim": "do-not-trim"},
    },
    "IpAddresses": {"cidr_prefix_length": 32},
    "IncomingPhoneNumbers": {"voice_method": "POST"},
    "Triggers": {"callback_method": "POST", "current_value": "0"},
}
CREDENTIAL_LISTS, IP_LISTS, NUMBERS = (
    "SIP/CredentialLists",
    "SIP/IpAccessControlLists",
    "IncomingPhoneNumbers",
)
LINKS = {
    "CredentialLists": ("credential_list_sid", CREDENTIAL_LISTS),
    "IpAccessControlLists": ("ip_access_control_list_sid", IP_LISTS),
    "PhoneNumbers": ("phone_number_sid", NUMBERS),
}
SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}")


class RefusalError(Exception):
    """Twilio says no: HTTP status, Twilio's code, its words."""

    def __init__(self, status: int, code: int, words: str) -> None:
        super().__init__(status, code, words)
        self.status, self.code, self.words = status, code, words


class Store:
    """Paths begin behind the version or account: `Trunks/TK…/OriginationUrls`."""

    def __init__(self) -> None:
        self.collections: dict[str, dict[str, Object]] = {}
        self.passwords: dict[str, str] = {}
        """By the user's SID: Twilio never tells them."""
        self.taken_domains: set[str] = set()
        self.trunk_limit = 100
        self._serial = count(1)

    def list(self, path: str) -> list[Object]:
        self._parent_must_exist(path)
        return list(self.collections.get(path, {}).values())

    def get(self, path: str) -> Object:
        collection, _, sid = path.rpartition("/")
        if found := self.collections.get(collection, {}).get(sid):
            return found
        raise RefusalError(404, 20404, f"The requested resource {path} was not found")

    def create(self, path: str, given: Object) -> Object:
        self._parent_must_exist(path)
        kind = path.rpartition("/")[2]
        if path.startswith("Trunks/") and kind in LINKS:
            return self._link(path, given, *LINKS[kind])
        self._check(path, given)
        sid = f"{PREFIXES[kind]}{next(self._serial):032x}"
        made = {**deepcopy(DEFAULTS.get(kind, {})), **_without_password(given), "sid": sid}
        self._keep_password(sid, given)
        self.collections.setdefault(path, {})[sid] = made
        return made

    def update(self, path: str, given: Object) -> Object:
        found = self.get(path)
        self._check(path.rpartition("/")[0], given, found)
        self._keep_password(found["sid"], given)
        found |= {key: value or None if value == "" else value for key, value in given.items()}
        found.pop("password", None)
        return found

    def delete(self, path: str) -> None:
        found = self.get(path)
        collection, _, sid = path.rpartition("/")
        if collection in {CREDENTIAL_LISTS, IP_LISTS}:
            self._must_be_unused(collection, sid)
        if collection.endswith("PhoneNumbers") and collection != NUMBERS:
            self.get(f"{NUMBERS}/{sid}")["trunk_sid"] = None
        if collection == "Trunks":
            self.taken_domains.add(found["domain_name"])
        del self.collections[collection][sid]
        for below in [each for each in self.collections if each.startswith(f"{path}/")]:
            del self.collections[below]

    def _parent_must_exist(self, path: str) -> None:
        if sids := [*SID.finditer(path)]:
            self.get(path[: sids[-1].end()])

    def _link(self, path: str, given: Object, parameter: str, collection: str) -> Object:
        linked = self.get(f"{collection}/{given[parameter]}")
        trunk = path.split("/")[1]
        if collection == NUMBERS:
            linked |= {"trunk_sid": trunk, "voice_application_sid": None}
            link = {"sid": linked["sid"], "phone_number": linked["phone_number"]}
        else:
            link = {"sid": linked["sid"], "friendly_name": linked["friendly_name"]}
        link["trunk_sid"] = trunk
        self.collections.setdefault(path, {})[linked["sid"]] = link
        return link

    def _check(self, path: str, given: Object, there: Object | None = None) -> None:
        if path == "Trunks" and (domain := given.get("domain_name")):
            self._check_domain(domain, there)
        if path == "Trunks" and not there and len(self.list(path)) >= self.trunk_limit:
            raise RefusalError(400, 21244, "Maximum Number of Trunks reached")
        if path.endswith("/Credentials"):
            _check_password(given["password"])

    def _check_domain(self, domain: str, there: Object | None) -> None:
        others = [each["domain_name"] for each in self.list("Trunks") if each is not there]
        if not domain.endswith(".pstn.twilio.com"):
            raise RefusalError(400, 21245, "Trunk Validation Error")
        if domain in self.taken_domains or domain in others:
            raise RefusalError(400, 21248, "Trunk Domain already taken")

    def _must_be_unused(self, collection: str, sid: str) -> None:
        links = collection.rpartition("/")[2]
        for path, linked in self.collections.items():
            if path.startswith("Trunks/") and path.endswith(f"/{links}") and sid in linked:
                code = 21241 if collection == CREDENTIAL_LISTS else 21236
                raise RefusalError(400, code, "Dependencies Violation")

    def _keep_password(self, sid: str, given: Object) -> None:
        if password := given.get("password"):
            self.passwords[sid] = password


def _without_password(given: Object) -> Object:
    return {key: value for key, value in given.items() if key != "password"}


def _check_password(password: str) -> None:
    weak = len(password) < 12 or password.islower() or not re.search(r"\d", password)
    if weak:
        raise RefusalError(400, 21243, f"Credential Validation Error: {password}")

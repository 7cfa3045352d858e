"""Cuts Twilio's OpenAPI files down to what the tests' mock of Twilio checks itself against.

    python -m tools.twilio_spec FOLDER

FOLDER holds `twilio_trunking_v1.json` and `twilio_api_v2010.json` of github.com/twilio/twilio-oai
(spec/json) at the commit below. Kept are the paths named here, with the schemas they lead to; left
out are examples, descriptions and headers, which decide nothing.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

COMMIT = "d50069b44ea8"

FOLDER = Path(__file__).parent.parent / "tests" / "data" / "twilio"

ACCOUNT = "/2010-04-01/Accounts/{AccountSid}"
ACLS = f"{ACCOUNT}/SIP/IpAccessControlLists"
CREDENTIALS = f"{ACCOUNT}/SIP/CredentialLists"

PATHS: Mapping[str, frozenset[str]] = {
    "twilio_trunking_v1.json": frozenset(
        {
            "/v1/Trunks",
            "/v1/Trunks/{Sid}",
            "/v1/Trunks/{TrunkSid}/CredentialLists",
            "/v1/Trunks/{TrunkSid}/CredentialLists/{Sid}",
            "/v1/Trunks/{TrunkSid}/IpAccessControlLists",
            "/v1/Trunks/{TrunkSid}/IpAccessControlLists/{Sid}",
            "/v1/Trunks/{TrunkSid}/OriginationUrls",
            "/v1/Trunks/{TrunkSid}/OriginationUrls/{Sid}",
            "/v1/Trunks/{TrunkSid}/PhoneNumbers",
            "/v1/Trunks/{TrunkSid}/PhoneNumbers/{Sid}",
            "/v1/Trunks/{TrunkSid}/Recording",
        }
    ),
    "twilio_api_v2010.json": frozenset(
        {
            f"{ACCOUNT}/IncomingPhoneNumbers.json",
            f"{ACCOUNT}/IncomingPhoneNumbers/{{Sid}}.json",
            f"{CREDENTIALS}.json",
            f"{CREDENTIALS}/{{Sid}}.json",
            f"{CREDENTIALS}/{{CredentialListSid}}/Credentials.json",
            f"{CREDENTIALS}/{{CredentialListSid}}/Credentials/{{Sid}}.json",
            f"{ACLS}.json",
            f"{ACLS}/{{Sid}}.json",
            f"{ACLS}/{{IpAccessControlListSid}}/IpAddresses.json",
            f"{ACLS}/{{IpAccessControlListSid}}/IpAddresses/{{Sid}}.json",
            f"{ACCOUNT}/Usage/Triggers.json",
            f"{ACCOUNT}/Usage/Triggers/{{Sid}}.json",
        }
    ),
}

METHODS = frozenset({"get", "post", "delete"})
WORDS = frozenset({"description", "example", "examples", "headers", "summary", "tags"})
NAMES_OF_ITS_OWN = frozenset({"properties", "schemas", "paths", "responses"})
"""Below these a key is a name, not a keyword: a property may be called `description`."""

REFERENCE = re.compile(r"^#/components/schemas/(?P<name>.+)$")


def cut(spec: Mapping[str, Any], paths: frozenset[str]) -> dict[str, Any]:
    """`spec` with `paths` only. Raises `KeyError` for a path that it has not."""
    kept = {
        path: {key: _operation(part) for key, part in spec["paths"][path].items() if key in METHODS}
        for path in sorted(paths)
    }
    schemas: dict[str, Any] = {}
    waiting = [*_referred(kept)]
    while waiting:
        name = waiting.pop()
        if name not in schemas:
            schemas[name] = _bare(spec["components"]["schemas"][name])
            waiting += _referred(schemas[name])
    return {
        "openapi": spec["openapi"],
        "info": {**_bare(spec["info"]), "x-origin": f"twilio/twilio-oai@{COMMIT}, cut"},
        "servers": spec["servers"],
        "paths": kept,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": spec["components"]["securitySchemes"],
        },
    }


def _bare(part: Any, *, names: bool = False) -> Any:
    if isinstance(part, list):
        return [_bare(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {
        key: _bare(each, names=not names and key in NAMES_OF_ITS_OWN)
        for key, each in part.items()
        if names or not (key in WORDS or key.startswith("x-"))
    }


def _operation(part: Mapping[str, Any]) -> dict[str, Any]:
    operation = _bare(part)
    for response in operation["responses"].values():
        response["description"] = ""  # OpenAPI asks for one
    return operation


def _referred(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for each in part:
            yield from _referred(each)
    elif isinstance(part, dict):
        for key, each in part.items():
            if key == "$ref" and (found := REFERENCE.match(each)):
                yield found["name"]
            else:
                yield from _referred(each)


def main() -> None:
    match sys.argv[1:]:
        case [folder]:
            pass
        case _:
            raise SystemExit("usage: python -m tools.twilio_spec FOLDER")
    for name, paths in PATHS.items():
        spec = json.loads((Path(folder) / name).read_text())
        FOLDER.mkdir(exist_ok=True)
        (FOLDER / name).write_text(json.dumps(cut(spec, paths), indent=1) + "\n")


if __name__ == "__main__":
    main()

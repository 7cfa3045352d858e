"""Telephone numbers: what one is, and in which country. Pure, by Google's libphonenumber."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberType, shortnumberinfo

from agent.yaml_file import BadFileError


class Kind(StrEnum):
    ORDINARY = "ordinary"
    EMERGENCY = "emergency"
    SHORT = "short"
    PREMIUM = "premium"
    INVALID = "invalid"


@dataclass(frozen=True)
class Number:
    """`e164` is what was given if it is no number; `country` is ISO 3166 alpha-2, if it has one."""

    e164: str
    kind: Kind
    country: str | None = None


_WRITTEN = re.compile(r"\+?[0-9 ().-]{1,32}", re.ASCII)
"""As people write numbers. Letters, extensions and the digits of other scripts are none."""

_LONGEST_SHORT = 6
_DEAR = frozenset(
    {
        PhoneNumberType.PREMIUM_RATE,
        PhoneNumberType.SHARED_COST,
        PhoneNumberType.PERSONAL_NUMBER,  # follows its owner, at his price
        PhoneNumberType.PAGER,
    }
)
_NOWHERE = phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY


def classify(number: str) -> Number:
    """A number in international form, `+` first. Never raises."""
    if not _WRITTEN.fullmatch(number):
        return Number(number, Kind.INVALID)
    digits = "".join(character for character in number if character.isdigit())
    if _is_emergency(digits):
        return Number(number, Kind.EMERGENCY)
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return Number(number, Kind.SHORT if len(digits) <= _LONGEST_SHORT else Kind.INVALID)
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    return Number(e164, _kind(parsed), _country(parsed))


def country_of(number: str) -> str | None:
    """Of a number of ours, which need not be in use; ISO 3166 alpha-2."""
    return classify(number).country


def read_numbers(path: Path) -> frozenset[str]:
    """A file of numbers in international form, one a line; `#` begins a comment.

    Raises `BadFileError`: file and line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadFileError(f"{path}: cannot be read: {error}") from error
    numbers = set[str]()
    for count, line in enumerate(lines, 1):
        if not (written := line.partition("#")[0].strip()):
            continue
        number = classify(written)
        if number.country is None or not written.startswith("+"):
            raise BadFileError(f"{path}:{count}: no number in international form, as +12025550123")
        numbers.add(number.e164)
    return frozenset(numbers)


def _is_emergency(digits: str) -> bool:
    """Of any country: nobody knows where a call to 112 comes out."""
    if len(digits) > _LONGEST_SHORT:
        return False
    return any(
        shortnumberinfo.is_emergency_number(digits, region)
        for region in phonenumbers.SUPPORTED_REGIONS
    )


def _kind(parsed: PhoneNumber) -> Kind:
    if phonenumbers.is_valid_number(parsed):
        return Kind.PREMIUM if phonenumbers.number_type(parsed) in _DEAR else Kind.ORDINARY
    # Networks connect whatever begins with an emergency number. A valid number may begin so too:
    # that of Paris, +33 1 12 …, does.
    national = phonenumbers.national_significant_number(parsed)
    regions = phonenumbers.region_codes_for_country_code(parsed.country_code or 0)
    if any(shortnumberinfo.connects_to_emergency_number(national, each) for each in regions):
        return Kind.EMERGENCY
    if shortnumberinfo.is_possible_short_number(parsed):
        return Kind.SHORT
    return Kind.INVALID


def _country(parsed: PhoneNumber) -> str | None:
    country = phonenumbers.region_code_for_number(
        parsed
    ) or phonenumbers.region_code_for_country_code(parsed.country_code or 0)
    return None if country in {_NOWHERE, phonenumbers.UNKNOWN_REGION} else country

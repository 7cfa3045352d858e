"""Numbers with a unit or a percent sign → as they are said."""

import re

from csm_engine.text.numbers import cardinal, decimal
from csm_engine.text.rule import any_of, chain, sub

UNITS = {
    "%": ("percent", "percent"),
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "m/s": ("meter per second", "meters per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "km": ("kilometer", "kilometers"),
    "m": ("meter", "meters"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "mi": ("mile", "miles"),
    "yd": ("yard", "yards"),
    "ft": ("foot", "feet"),
    "km^2": ("square kilometer", "square kilometers"),
    "m^2": ("square meter", "square meters"),
    "ft^2": ("square foot", "square feet"),
    "sq ft": ("square foot", "square feet"),
    "sq m": ("square meter", "square meters"),
    "m^3": ("cubic meter", "cubic meters"),
    "kg": ("kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"),
    "mcg": ("microgram", "micrograms"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "fl oz": ("fluid ounce", "fluid ounces"),
    "oz": ("ounce", "ounces"),
    "l": ("liter", "liters"),
    "L": ("liter", "liters"),
    "ml": ("milliliter", "milliliters"),
    "mL": ("milliliter", "milliliters"),
    "gal": ("gallon", "gallons"),
    "KB": ("kilobyte", "kilobytes"),
    "MB": ("megabyte", "megabytes"),
    "GB": ("gigabyte", "gigabytes"),
    "TB": ("terabyte", "terabytes"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "W": ("watt", "watts"),
    "kW": ("kilowatt", "kilowatts"),
    "MW": ("megawatt", "megawatts"),
    "kWh": ("kilowatt hour", "kilowatt hours"),
    "V": ("volt", "volts"),
    "mA": ("milliamp", "milliamps"),
    "mAh": ("milliamp hour", "milliamp hours"),
    "dB": ("decibel", "decibels"),
    "kcal": ("kilocalorie", "kilocalories"),
    "ms": ("millisecond", "milliseconds"),
    "s": ("second", "seconds"),
    "sec": ("second", "seconds"),
    "secs": ("second", "seconds"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "h": ("hour", "hours"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "yr": ("year", "years"),
    "yrs": ("year", "years"),
    "px": ("pixel", "pixels"),
}
"""After a number: one, many."""

NUMBER = r"(?:\d{1,3}(?:,\d{3}){1,9}|\d{1,15})(?:\.\d{1,9})?|\.\d{1,9}"
_WORDLIKE = rf"{any_of(unit for unit in UNITS if unit[-1].isalnum())}"
_SIGNS = rf"{any_of(unit for unit in UNITS if not unit[-1].isalnum())}"


def _measured(match: re.Match[str]) -> str:
    one, many = UNITS[match["unit"].rstrip(".")]
    number = match["number"]
    minus = "minus " if match["minus"] else ""
    name = one if number == "1" or match["compound"] else many
    return f"{minus}{decimal(number)} {name} "


def _feet(match: re.Match[str]) -> str:
    return f"{cardinal(match[1])} foot {cardinal(match[2])} "


_START = r"(?<![\w.,:/])(?P<minus>-)?"

speak = chain(
    sub(r"(?<=\dh)\s?(\d{1,2})m(?!\w)", r" \1 min"),
    sub(r"(?<=\d )sq\.\s?(ft|m)(?!\w)\.?", r"sq \1"),
    sub(r"(?<=\d)\s?x\s?(?=\d)", " by "),
    sub(r"(?<=\d)\s?in\.(?=\s[a-z]|,)", " inches"),
    sub(r"(?<![\w.,])([1-9])'\s?(1[01]|\d)(?:\"|'')", _feet),
    sub(
        rf"(?<=\d)(\s?(?:{_SIGNS}))?\s?[-—]\s?"
        rf"(?=(?:{NUMBER})\s?(?:{_SIGNS}|(?:{_WORDLIKE})(?!\w)))",
        r"\1 to ",
    ),
    sub(
        rf"{_START}(?P<number>{NUMBER})(?P<compound>-)?\s?"
        rf"(?P<unit>(?:{_WORDLIKE})(?![\w'])(?:\.(?=\s[a-z\d]))?|(?:{_SIGNS})(?!\w))",
        _measured,
    ),
)

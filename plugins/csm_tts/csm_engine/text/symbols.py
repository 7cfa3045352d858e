"""Signs that are words: & @ # + = / and their kind. What is left of them is dropped."""

from csm_engine.text.rule import LETTER, any_of, chain, sub

_PER = {
    **{
        name: name
        for name in [
            "second",
            "minute",
            "hour",
            "day",
            "night",
            "week",
            "month",
            "year",
            "person",
            "user",
            "seat",
        ]
    },
    "min": "minute",
    "hr": "hour",
    "mo": "month",
    "yr": "year",
}

speak = chain(
    sub(r"\^2(?!\d)|\^two\b", " squared "),
    sub(r"\^3(?!\d)|\^three\b", " cubed "),
    sub(r"\s?&\s?", " and "),
    sub(r"@", " at "),
    sub(rf"#(?={LETTER})", "hashtag "),
    sub(r"~(?=\s?\w)", " about "),
    sub(rf"\s?/\s?({any_of(_PER)})(?!\w)", lambda match: f" per {_PER[match[1]]}"),
    sub(r"(?<=[a-z])/(?=[a-z])", " or "),
    sub(r"\+", " plus "),
    sub(r"(?<=[\w ])={1,3}(?=[\w ])", " equals "),
    sub(r"%", " percent "),
    sub(r"°", " degrees "),
    sub(r"\$", " dollars "),
    sub(r"£", " pounds "),
    sub(r"€", " euros "),
    sub(r"[¥¢₹#/\\_^*<>=~`]", " "),
)

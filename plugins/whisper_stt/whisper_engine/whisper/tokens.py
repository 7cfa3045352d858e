"""The special part of Whisper's vocabulary."""

from collections.abc import Sequence

_LANGUAGES = """
en zh de es ru ko fr ja pt tr pl ca nl ar sv it id hi fi vi he uk el ms cs ro da hu ta no th ur
hr bg lt la mi ml cy sk te fa lv bn sr az sl kn et mk br eu is hy ne mn bs kk sq sw gl mr pa si
km sn yo so af oc ka be tg sd gu am yi lo uz fo ht ps tk nn mt sa lb my bo tl mg as tt haw ln ha
ba jw su yue
"""

LANGUAGES = tuple(_LANGUAGES.split())
"""In the vocabulary's order (openai/whisper, whisper/tokenizer.py, MIT). `yue` came with large-v3."""

END = "<|endoftext|>"
START = "<|startoftranscript|>"
PREVIOUS = "<|startofprev|>"
NO_SPEECH = "<|nospeech|>"
NO_TIMESTAMPS = "<|notimestamps|>"
TIMESTAMPS = 1501
"""0.00 to 30.00 s by 0.02 s; CTranslate2 takes all that follows `<|notimestamps|>` for them."""

MULTILINGUAL_MARK = ""
"""CTranslate2 takes a model for multilingual when its vocabulary holds the empty token."""


def language_token(language: str) -> str:
    return f"<|{language}|>"


def special_tokens(languages: Sequence[str] = LANGUAGES[:99]) -> list[str]:
    """All that follow the text tokens, in order."""
    return [
        END,
        START,
        *map(language_token, languages),
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        PREVIOUS,
        NO_SPEECH,
        NO_TIMESTAMPS,
        *(f"<|{step * 0.02:.2f}|>" for step in range(TIMESTAMPS)),
    ]

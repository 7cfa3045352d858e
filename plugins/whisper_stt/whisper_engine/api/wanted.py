"""The form of an upload, read and checked."""

from typing import BinaryIO, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from starlette.datastructures import FormData, UploadFile

from whisper_engine.api import errors
from whisper_engine.api.errors import ApiError
from whisper_engine.protocol import Start

Format = Literal["json", "text", "verbose_json", "srt", "vtt"]

_LISTS = {"languages", "keywords", "timestamp_granularities"}


class Wanted(BaseModel):
    """The fields beside the file.

    `languages` and `keywords` are as OpenAI's gpt-transcribe has them. Without a language it is
    English: the engine does not guess among all. It does not sample either, so that `temperature`
    can only be 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str = ""
    language: str = ""
    languages: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    prompt: str = ""
    response_format: Format = "json"
    timestamp_granularities: frozenset[Literal["word", "segment"]] = frozenset()
    temperature: float = Field(default=0.0, ge=0, le=0)
    chunking_strategy: Literal["auto"] = "auto"
    stream: bool = False

    @model_validator(mode="after")
    def _fields_fit(self) -> Self:
        if self.timestamp_granularities and self.response_format != "verbose_json":
            raise ValueError("timestamp_granularities need response_format verbose_json")
        if self.stream and self.response_format not in {"json", "text"}:
            raise ValueError(f"{self.response_format} cannot be streamed: ask for json, or whole")
        return self

    @property
    def detail(self) -> frozenset[str]:
        """What of a transcript to give times for."""
        return self.timestamp_granularities or frozenset({"segment"})

    @property
    def start(self) -> Start:
        """What a decoder is asked for. Raises ValidationError."""
        return Start(
            language=self.language or next(iter(self.languages), "en"),
            languages=self.languages,
            interim_results=False,
            keyterms=self.keywords,
            prompt=self.prompt,
        )


def read_form(form: FormData, model: str) -> tuple[Wanted, Start, BinaryIO]:
    """The fields, and the file at its beginning. Raises ApiError."""
    file = form.get("file")
    if not isinstance(file, UploadFile):
        raise ApiError(400, "no_file", "send the sound as a file in the form's part `file`", "file")
    fields: dict[str, object] = {}
    for name in {name.removesuffix("[]") for name in form if name != "file"}:
        values = [*form.getlist(name), *form.getlist(f"{name}[]")]
        fields[name] = values if name in _LISTS else values[-1]
    try:
        wanted = Wanted.model_validate(fields)
        start = wanted.start
    except ValidationError as error:
        raise errors.of_validation(error) from error
    if wanted.model not in {"", model}:
        raise errors.unknown_model(wanted.model, model)
    return wanted, start, file.file

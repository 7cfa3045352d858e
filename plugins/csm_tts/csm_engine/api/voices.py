"""`/v1/audio/voices`: which voices there are, and one more."""

import asyncio
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from csm_engine.api.requests import LEFT, bounded
from csm_engine.api.wanted import check
from csm_engine.clip import VoiceError
from csm_engine.model import Model, SpeakError
from csm_engine.voice_folder import UnwritableError, VoiceExistsError, write_voice
from parley_serving import errors
from parley_serving.errors import ApiError
from parley_serving.gate import FullError

logger = logging.getLogger(__name__)

MAX_UPLOAD_BYTES = 8 * 1024 * 1024
"""20 s of 16-bit mono at 192 kHz, and the texts."""

MAX_TEXT_BYTES = 16 * 1024

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


@runtime_checkable
class LearnsVoices(Protocol):
    """A model that can be given a voice while it runs."""

    @property
    def voices(self) -> Sequence[str]: ...

    async def add_voice(self, folder: Path) -> None:
        """Read the voice in `folder`, whose name is its own: then `voices` and `check` know it.

        Raises VoiceError, after which nothing of it is left in the model, and SpeakError when the
        model has stopped.
        """
        ...


class NewVoice(BaseModel):
    """The form's fields beside the clip."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Text
    transcript: _Text
    consent: _Text
    licence: _Text


class Voices:
    """`root` is where voices lie; None where the model has none of its own to add to.

    One is added at a time: another is told to come back.
    """

    def __init__(self, model: Model, root: Path | None, draining: asyncio.Event) -> None:
        self._model = model
        self._root = root
        self._draining = draining
        self._adding = asyncio.Lock()

    async def show(self, request: Request) -> Response:
        """An empty list where any name will do.

        With `?language=`, and `&voice=` where it matters: 400 for what could not be spoken.
        """
        if language := request.query_params.get("language"):
            voice = request.query_params.get("voice", "default")
            try:
                check(self._model, voice, language)
            except ApiError as error:
                return errors.refusal(error)
        return JSONResponse({"voices": list(self._model.voices)})

    async def add(self, request: Request) -> Response:
        try:
            name = await self._add(request)
        except FullError as error:
            return errors.full(error)
        except ApiError as error:
            return errors.refusal(error)
        except VoiceError as error:
            return errors.refusal(_unusable(error))
        except SpeakError as error:  # the engine stopped meanwhile
            return errors.full(FullError(str(error), retry_after=5))
        except ClientDisconnect:
            return LEFT
        logger.info("a voice was added", extra={"voice": name})
        return JSONResponse({"id": name, "name": name, "object": "audio.voice"}, 201)

    async def _add(self, request: Request) -> str:
        if self._root is None or not isinstance(self._model, LearnsVoices):
            raise ApiError(
                400,
                "fixed_voices",
                f"{self._model.name} takes no voices: run a CSM, with CSM_VOICES",
            )
        if self._draining.is_set():
            raise FullError("the engine is stopping", retry_after=5)
        voice, clip = await _read(request)
        if self._adding.locked():
            raise FullError("another voice is being added", retry_after=1)
        async with self._adding:
            folder = await asyncio.to_thread(
                write_voice, self._root, clip=clip, **voice.model_dump()
            )
            await _teach(self._model, folder)
        return voice.name


def _unusable(error: VoiceError) -> ApiError:
    match error:
        case VoiceExistsError():
            return ApiError(409, "voice_exists", str(error), "name")
        case UnwritableError():
            return ApiError(500, "unwritable", str(error))
        case _:
            return ApiError(400, "bad_voice", str(error))


async def _teach(model: LearnsVoices, folder: Path) -> None:
    """What the model did not learn must not be there at its next start."""
    try:
        await model.add_voice(folder)
    except VoiceError as error:
        # Where the engine keeps its files is not the client's business.
        raise VoiceError(str(error).replace(f"{folder}/", "")) from error
    finally:
        if folder.name not in model.voices:
            shutil.rmtree(folder)


async def _read(request: Request) -> tuple[NewVoice, bytes]:
    """Raises ApiError."""
    limits = {"max_files": 1, "max_fields": 8, "max_part_size": MAX_TEXT_BYTES}
    try:
        async with bounded(request, MAX_UPLOAD_BYTES).form(**limits) as form:
            return _voice(form), await _clip(form)
    except HTTPException as error:
        raise ApiError(400, "bad_form", error.detail) from error


def _voice(form: FormData) -> NewVoice:
    try:
        return NewVoice.model_validate({key: form[key] for key in form if key != "clip"})
    except ValidationError as error:
        raise errors.of_validation(error) from error


async def _clip(form: FormData) -> bytes:
    clip = form.get("clip")
    if not isinstance(clip, UploadFile):
        raise ApiError(400, "no_clip", "send the voice's WAV as a file in the part `clip`", "clip")
    return await clip.read()

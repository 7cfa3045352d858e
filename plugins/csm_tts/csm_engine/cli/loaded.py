"""The settings' model in this process, without a server."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from prometheus_client import CollectorRegistry

from csm_engine.cli.errors import CommandError
from csm_engine.config import Settings
from csm_engine.metrics import Metrics
from csm_engine.model import SpeakError, UnknownVoiceError
from csm_engine.server import make_model
from csm_engine.speaker import Speaker
from csm_engine.watermark import load_stage


@contextlib.asynccontextmanager
async def loaded(settings: Settings) -> AsyncIterator[Speaker]:
    """Raises StartError; of what the block raises, errors of speaking become CommandError."""
    model = make_model(settings)
    stage = await asyncio.to_thread(load_stage, settings)
    failure: Exception | None = None
    try:
        async with model.running():
            try:
                yield Speaker(model, Metrics(CollectorRegistry()), settings.longest, stage)
            # Kept from a model's own task group, which would wrap it.
            except (CommandError, SpeakError, UnknownVoiceError) as error:
                failure = error
    except SpeakError as error:
        raise CommandError(f"the model does not start: {error}") from error
    if failure is not None:
        raise failure if isinstance(failure, CommandError) else CommandError(str(failure))

"""What tests post to the engine's HTTP doors."""

from typing import Any

from tests.csm_tts.conftest import KEY

SPEECH = "/v1/audio/speech"
HEADERS = {"Authorization": f"Bearer {KEY}"}


def pcm(text: str, **fields: Any) -> dict[str, Any]:
    return {"input": text, "response_format": "pcm", **fields}

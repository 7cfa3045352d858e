"""The published OpenAPI is kept to, whatever is sent."""

import asyncio

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from ledger.tables import TurnRow
from sip.line import Line
from sip.reaper import Room
from tests.ledger.rows import turn_values
from tests.web.rig import LINE, Rig

CHECKS = [
    schemathesis.checks.not_a_server_error,
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
    negative_data_rejection,
]

ENDLESS = "/v1/live/events"

EXAMPLES = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def exercise(url: str, headers: dict[str, str]) -> int:
    """Every operation but the endless one, as it should be asked and as not; how often."""
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    sent = 0

    def ask(operation: APIOperation, mode: GenerationMode) -> None:
        @EXAMPLES
        @given(case=operation.as_strategy(generation_mode=mode))
        def each(case: Case) -> None:
            nonlocal sent
            sent += 1
            case.call_and_validate(base_url=url, headers=headers, checks=CHECKS, timeout=20)

        each()

    for result in schema.exclude(path=ENDLESS).get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        ask(operation, GenerationMode.POSITIVE)
        if operation.path_parameters or operation.query or operation.body:
            ask(operation, GenerationMode.NEGATIVE)
    return sent


@pytest.mark.timeout(180)
async def test_the_api_is_what_its_openapi_says(rig: Rig) -> None:
    rig.line = Line.model_validate(LINE)
    rig.call()
    rig.write(TurnRow, **turn_values())
    rig.switchboard.calls.append(Room("call-c1", 1.0, 1, 1))
    sent = await asyncio.to_thread(exercise, rig.url, rig.headers())
    assert sent > 100

"""`POST /v1/reservations`: room that an engine keeps for a call which is about to come."""

from collections.abc import Sequence
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from parley_serving import errors
from parley_serving.errors import ApiError
from parley_serving.gate import FullError, Gate

HEADER = "Parley-Reservation"
"""A socket with it takes the room that is kept by that name."""

PATH = "/v1/reservations"

LONGEST = 1024
"""Bytes of a request."""


class Wanted(BaseModel):
    """`seconds` from now the room is everybody's again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:-]{1,128}$")]
    seconds: Annotated[float, Field(gt=0, le=60)] = 20.0


def reservation_of(connection: HTTPConnection) -> str | None:
    return connection.headers.get(HEADER)


def routes(gate: Gate) -> Sequence[BaseRoute]:
    async def reserve(request: Request) -> Response:
        try:
            wanted = Wanted.model_validate_json(await _body(request))
            gate.reserve(wanted.id, wanted.seconds)
        except ApiError as error:
            return errors.refusal(error)
        except ValidationError as error:
            return errors.refusal(errors.of_validation(error))
        except FullError as error:
            return errors.full(error)
        return JSONResponse(wanted.model_dump(), 201)

    async def release(request: Request) -> Response:
        gate.release(request.path_params["name"])
        return Response(status_code=204)

    return [
        Route(PATH, reserve, methods=["POST"]),
        Route(f"{PATH}/{{name}}", release, methods=["DELETE"]),
    ]


async def _body(request: Request) -> bytes:
    """Raises `ApiError` beyond `LONGEST`."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > LONGEST:
            raise ApiError(413, "too_large", f"a reservation has {LONGEST} bytes at most")
    return bytes(body)

"""What goes wrong, in OpenAI's shape, so that its clients raise what their users expect."""

from http import HTTPStatus

from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from parley_serving.gate import FullError


class ApiError(Exception):
    """A request that cannot be served. `param` is the field at fault, if one is."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param

    @property
    def body(self) -> dict[str, str | None]:
        """`error` of a response or of an event."""
        of_server = self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        kind = "server_error" if of_server else "invalid_request_error"
        return {"message": str(self), "type": kind, "param": self.param, "code": self.code}


def of_validation(error: ValidationError) -> ApiError:
    """Its first problem, without the input, which may be a caller's words."""
    problem = error.errors(include_input=False, include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    message = f"{where}: {problem['msg']}" if where else str(problem["msg"])
    return ApiError(400, "bad_request", message, where or None)


def refusal(error: ApiError, *, retry_after: int | None = None) -> Response:
    """`retry_after` in seconds."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
    return JSONResponse({"error": error.body}, error.status, headers)


def full(error: FullError) -> Response:
    return refusal(ApiError(503, "full", str(error)), retry_after=error.retry_after)

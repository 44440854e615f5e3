"""One body for every error, and which status each exception of faceagent's has.

    {"error": {"code": ..., "message": ..., "details": [...]}, "request_id": ...}

The routes that OpenAI's clients call have OpenAI's envelope instead.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from faceagent.errors import FaceagentError, InputError, ModelUnavailable, OutputError, PolicyRefusal, StorageError
from faceagent.serve.logs import logger
from faceagent.types import FrozenModel

OPENAI_PATHS = ("/v1/chat/completions", "/v1/models")
CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    408: "upload_too_slow",
    409: "conflict",
    410: "expired",
    413: "too_large",
    415: "unsupported_media_type",
    422: "unprocessable",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
RETRY_SECONDS = 5
_STATUS: tuple[tuple[type[FaceagentError], int], ...] = (
    (PolicyRefusal, 403),
    (InputError, 400),
    (StorageError, 503),
    (OutputError, 503),
    (ModelUnavailable, 503),
)


class ErrorDetail(FrozenModel):
    """One thing that is wrong with a request."""

    field: str = Field(description="where: body.questions.0")
    message: str


class ErrorContent(FrozenModel):
    """What went wrong."""

    code: str = Field(description="stable; safe to match on")
    message: str = Field(description="what is wrong, and what to do")
    details: list[ErrorDetail] = []


class ErrorBody(FrozenModel):
    """The body of every answer with a status of 400 or more."""

    error: ErrorContent
    request_id: str


class ApiError(Exception):
    """Ends a request with a status and the error body."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str | None = None,
        details: list[ErrorDetail] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code = status, message, code or CODES[status]
        self.details, self.headers = details or [], dict(headers or {})


def too_many(message: str, seconds: float) -> ApiError:
    """429 with the time after which a new try makes sense."""
    return ApiError(429, message, headers={"Retry-After": str(max(1, round(seconds)))})


def unprocessable(field: str, message: str, code: str | None = None) -> ApiError:
    """422 that names one field."""
    return ApiError(422, message, code=code, details=[ErrorDetail(field=field, message=message)])


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route for the OpenAPI document; those that every route has are added."""
    found = sorted({*statuses, 400, 401, 403, 413, 422, 429, 500, 503})
    return {status: {"model": ErrorBody, "description": CODES[status].replace("_", " ")} for status in found}


def install(app: FastAPI) -> None:
    """Answer every exception with the error body."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(FaceagentError, _faceagent_error)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(ClientDisconnect, _gone)


def error_of(error: Exception) -> ApiError:
    """What an exception means to a client."""
    if isinstance(error, ApiError):
        return error
    if isinstance(error, FaceagentError):
        status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
        headers = {"Retry-After": str(RETRY_SECONDS)} if status == 503 else {}
        return ApiError(status, str(error), code=error.code, headers=headers)
    return ApiError(500, "Something went wrong here. The log has the request's id.")


def body_of(request: Request, error: ApiError) -> JSONResponse:
    """The answer to a request that ends with this error."""
    request_id = request.scope.get("state", {}).get("request_id", "")
    content: Any = ErrorBody(
        error=ErrorContent(code=error.code, message=error.message, details=error.details), request_id=request_id
    )
    if request.url.path.startswith(OPENAI_PATHS):
        field = error.details[0].field if error.details else None
        kind = "invalid_request_error" if error.status < 500 else "server_error"
        content = {"error": {"message": error.message, "type": kind, "param": field, "code": error.code}}
    return JSONResponse(jsonable_encoder(content), status_code=error.status, headers=error.headers)


async def _api_error(request: Request, error: Exception) -> JSONResponse:
    return body_of(request, error_of(error))


async def _faceagent_error(request: Request, error: Exception) -> JSONResponse:
    return body_of(request, error_of(error))


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError | ValidationError)  # noqa: S101 - for the type checker
    details = [
        # The value is left out: it may be a picture.
        ErrorDetail(field=".".join(map(str, one["loc"])) or "body", message=str(one["msg"]))
        for one in error.errors()[:20]
    ]
    fields = ", ".join(dict.fromkeys(one.field for one in details))
    return body_of(request, ApiError(422, f"The request is not valid: {fields}.", details=details))


async def _http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - for the type checker
    code = CODES.get(error.status_code, "bad_request")
    made = ApiError(error.status_code, str(error.detail), code=code, headers=error.headers)
    return body_of(request, made)


async def _gone(request: Request, error: Exception) -> JSONResponse:
    """The client hung up while it was sending; nobody reads this answer."""
    logger.info("client_gone")
    return body_of(request, ApiError(400, "The request ended before it was complete."))

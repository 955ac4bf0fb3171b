"""Errors as RFC 9457 describes them: `application/problem+json` that names the field."""

import http
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from imdb_sentiment.runtime.errors import OutputError, PipelineError

MEDIA_TYPE: Final = "application/problem+json"
_MOST_NAMED: Final = 20


class ProblemError(HTTPException):
    """A request that cannot be answered: the status, what is wrong, and with which fields."""

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.errors = errors

    def response(self) -> Response:
        """Return the answer."""
        content: dict[str, Any] = {
            "type": "about:blank",
            "title": http.HTTPStatus(self.status_code).phrase,
            "status": self.status_code,
            "detail": self.detail,
        }
        if self.errors:
            content["errors"] = [{"field": field, "detail": detail} for field, detail in self.errors[:_MOST_NAMED]]
        body = json.dumps(content).encode()
        return Response(body, self.status_code, self.headers, MEDIA_TYPE)


def busy(detail: str, seconds: int = 1) -> ProblemError:
    """Return the error of a full queue, with the seconds after which it is worth trying again."""
    return ProblemError(503, detail, headers={"Retry-After": str(seconds)})


def invalid(field: str, found: str, expected: str) -> ProblemError:
    """Return the error of a field whose value cannot be used."""
    detail = f"found {found}; expected {expected}"
    return ProblemError(422, f"{field}: {detail}", [(field, detail)])


def add_handlers(app: FastAPI) -> None:
    """Make every error of `app` a problem."""
    app.add_exception_handler(ProblemError, _answer_problem)
    app.add_exception_handler(RequestValidationError, _answer_invalid)
    app.add_exception_handler(HTTPException, _answer_http)
    app.add_exception_handler(PipelineError, _answer_pipeline)
    app.add_exception_handler(Exception, _answer_bug)


async def _answer_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)
    return error.response()


async def _answer_invalid(_: Request, error: Exception) -> Response:
    # What was found is not repeated: it may be a review.
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    errors = [(_name_field(item["loc"]), str(item["msg"])) for item in found]
    if any(item["type"] == "json_invalid" for item in found):
        return ProblemError(400, f"the body: found what is not JSON ({found[0]['ctx']['error']})", errors).response()
    field, detail = errors[0]
    return ProblemError(422, f"{field}: {detail}", errors).response()


def _name_field(location: Sequence[str | int]) -> str:
    """Return a field's name: `_name_field(("body", "texts", 3)) -> "texts[3]"`."""
    name = ""
    for part in location[1:] if len(location) > 1 else location:
        name += f"[{part}]" if isinstance(part, int) else f".{part}" if name else part
    return name[:100]


async def _answer_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return ProblemError(error.status_code, str(error.detail), headers=error.headers).response()


async def _answer_pipeline(_: Request, error: Exception) -> Response:
    return ProblemError(507 if isinstance(error, OutputError) else 422, str(error)).response()


async def _answer_bug(_: Request, error: Exception) -> Response:
    del error  # raised again after this answer, and logged by uvicorn
    return ProblemError(500, "the server has a fault; its log tells more").response()

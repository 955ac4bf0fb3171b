"""The routes for tables: send one, ask how far it is, fetch it with its answers."""

import asyncio
import contextlib
import shutil
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from imdb_sentiment.runtime.errors import OutputError
from imdb_sentiment.serving import schemas
from imdb_sentiment.serving.problems import ProblemError
from imdb_sentiment.serving.routes import PROBLEMS
from imdb_sentiment.serving.service import Service
from imdb_sentiment.serving.table_work import UPLOAD

router = APIRouter(tags=["tables"])
_NONE: dict[int | str, dict[str, Any]] = {404: PROBLEMS[400], 422: PROBLEMS[422]}
_BODY = {"requestBody": {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}}


@router.post(
    "/v1/tables",
    status_code=202,
    response_model=schemas.TableResponse,
    responses={**PROBLEMS, 415: PROBLEMS[400]},
    openapi_extra=_BODY,
)
async def send_table(
    request: Request,
    name: Annotated[str, Query(min_length=1, max_length=200, description="The file's name: its ending is the format.")],
    text_column: Annotated[str | None, Query(max_length=1000, description="Where it has no usual name.")] = None,
) -> Response:
    """Take a table (CSV, TSV, JSON, JSON Lines, Parquet) as the body, and begin to classify its rows."""
    service: Service = request.app.state.service
    # Of a page elsewhere, a browser sends this type only if this server allows it.
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/octet-stream":
        raise ProblemError(415, "Content-Type: found another type; expected application/octet-stream")
    service.table_lane.check()  # rather than after the upload
    folder = service.jobs.create(_plain_name(name))
    try:
        await _save(request, folder / UPLOAD)
        service.table_lane.submit(lambda: service.jobs.work(folder, text_column))
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    state = service.jobs.state(folder.name)
    return JSONResponse(state, 202, {"Location": f"/v1/tables/{folder.name}"})


@router.get("/v1/tables/{job}", response_model=schemas.TableResponse, responses=_NONE)
async def table_state(request: Request, job: str) -> Response:
    """Tell how far a table is, with its first rows and the distribution of its answers."""
    service: Service = request.app.state.service
    return JSONResponse(service.jobs.state(job))


@router.get("/v1/tables/{job}/result", responses={**_NONE, 409: PROBLEMS[400]})
async def table_result(request: Request, job: str) -> Response:
    """Return the table with the columns `predicted_label` and `probability` added, in the format that it came in."""
    service: Service = request.app.state.service
    path, name = service.jobs.result(job)
    return FileResponse(path, media_type="application/octet-stream", filename=name)


@router.delete("/v1/tables/{job}", status_code=204, responses=_NONE)
async def remove_table(request: Request, job: str) -> Response:
    """Remove a table, and end the work on it."""
    service: Service = request.app.state.service
    service.jobs.remove(job)
    return Response(status_code=204)


def _plain_name(name: str) -> str:
    """Return a file's name without folders and without what cannot be shown."""
    plain = name.replace("\\", "/").rpartition("/")[2]
    return "".join(character if character.isprintable() else "_" for character in plain) or "table"


async def _save(request: Request, path: Path) -> None:
    try:
        with path.open("wb") as file:
            async for block in request.stream():
                if block:
                    await asyncio.to_thread(file.write, block)
    except OSError as error:
        raise OutputError(Path("the table"), error.strerror or str(error)) from error
    if path.stat().st_size == 0:
        with contextlib.suppress(OSError):
            path.unlink()
        raise ProblemError(422, "the body: found nothing; expected a table")

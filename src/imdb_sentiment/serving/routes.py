"""The routes for single texts, the model's description, and those that a supervisor asks."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from imdb_sentiment.serving import schemas
from imdb_sentiment.serving.answers import as_object, explain_text
from imdb_sentiment.serving.patience import unless_gone
from imdb_sentiment.serving.problems import busy, invalid
from imdb_sentiment.serving.service import Service
from imdb_sentiment.tables.texts import problem_of

PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": schemas.Problem, "content": {"application/problem+json": {}}}
    for status in (400, 401, 408, 413, 422, 503)
}
router = APIRouter()


@router.post("/v1/predict", response_model=schemas.PredictResponse, responses=PROBLEMS, tags=["texts"])
async def predict(body: schemas.PredictRequest, request: Request) -> Response:
    """Classify one text, or several."""
    service: Service = request.app.state.service
    if (body.text is None) == (body.texts is None):
        found = "neither" if body.text is None else "both"
        raise invalid("text", f"{found} of text and texts", "one of them")
    texts = [body.text] if body.text is not None else body.texts or []
    if len(texts) > service.settings.most_texts:
        raise invalid("texts", f"{len(texts):,} texts", f"at most {service.settings.most_texts:,}")
    for place, text in enumerate(texts):
        _check_text(service, f"texts[{place}]" if body.text is None else "text", text)
    waiting = service.batcher.submit(texts)
    is_long = len(texts) > service.settings.batch_texts
    answers = await (unless_gone(request, waiting) if is_long else waiting)
    service.metrics.texts.inc(len(texts))
    return JSONResponse({"predictions": [as_object(answer) for answer in answers]})


@router.post("/v1/explain", response_model=schemas.ExplainResponse, responses=PROBLEMS, tags=["texts"])
async def explain(body: schemas.ExplainRequest, request: Request) -> Response:
    """Classify a text, and say what each word adds to the answer."""
    service: Service = request.app.state.service
    _check_text(service, "text", body.text)
    waiting = service.explain_lane.submit(partial(explain_text, service.model, body.text))
    return JSONResponse(await unless_gone(request, waiting))


@router.get("/v1/model", response_model=schemas.ModelResponse, tags=["server"])
async def model(request: Request) -> Response:
    """Describe the model, and the limits of this server."""
    service: Service = request.app.state.service
    return JSONResponse(service.describe())


@router.get("/healthz", tags=["server"])
async def health() -> Response:
    """Tell that the process answers."""
    return JSONResponse({"status": "ok"})


@router.get("/readyz", responses={503: PROBLEMS[503]}, tags=["server"])
async def ready(request: Request) -> Response:
    """Tell whether the server can take more."""
    service: Service = request.app.state.service
    if service.batcher.waiting >= service.settings.queue_texts:
        raise busy(f"found {service.batcher.waiting:,} texts that wait; expected fewer")
    return JSONResponse({"status": "ready"})


@router.get("/metrics", tags=["server"])
async def metrics(request: Request) -> Response:
    """Return the server's counts, as Prometheus reads them."""
    service: Service = request.app.state.service
    service.metrics.waiting.set(service.batcher.waiting)
    return Response(service.metrics.render(), media_type="text/plain; version=0.0.4; charset=utf-8")


def _check_text(service: Service, field: str, text: str) -> None:
    """Raise ProblemError for a text that cannot be classified."""
    if len(text) > service.settings.most_characters:
        raise invalid(field, f"{len(text):,} characters", f"at most {service.settings.most_characters:,}")
    try:
        text.encode()
    except UnicodeEncodeError:  # JSON can spell one half of a pair
        raise invalid(field, "half a surrogate pair", "a review") from None
    if problem := problem_of(text):
        raise invalid(field, problem, "a review")

"""The application: routes, guards and files of the page, around one model."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from fastapi.responses import FileResponse, Response
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.serving import routes, table_routes
from imdb_sentiment.serving.access import AccessLog
from imdb_sentiment.serving.guards import Guards
from imdb_sentiment.serving.problems import add_handlers
from imdb_sentiment.serving.service import Service
from imdb_sentiment.serving.settings import SETTINGS_VARIABLE, Settings, read_token

_PAGE: Final = Path(__file__).with_name("page")
_FILES: Final = {
    "/": "index.html",
    "/page.css": "page.css",
    "/page.js": "page.js",
    "/client.js": "client.js",
    "/review.js": "review.js",
    "/table.js": "table.js",
    "/docs": "docs.html",
    "/docs.js": "docs.js",
}


def create_app(settings: Settings, model: SentimentModel, token: str | None) -> FastAPI:
    """Return the application that answers with `model`; /v1 needs the bearer `token`, if there is one."""
    service = Service(settings, model)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        batches = asyncio.create_task(service.batcher.run())
        yield
        batches.cancel()
        with suppress(asyncio.CancelledError):
            await batches
        await asyncio.to_thread(service.close)

    middleware = [
        Middleware(AccessLog, metrics=service.metrics),
        Middleware(Guards, settings=settings, token=token),
    ]
    if settings.origins:
        cors = Middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["Authorization", "Content-Type"],
        )
        middleware.insert(1, cors)  # before the guards, so that their answers can be read too
    # The usual pages of documentation load scripts from another host: /docs here is a file of the package.
    app = FastAPI(title="imdb-sentiment", docs_url=None, redoc_url=None, lifespan=lifespan, middleware=middleware)
    app.state.service = service
    app.include_router(routes.router)
    app.include_router(table_routes.router)
    for path, name in _FILES.items():
        _add_file(app, path, name)
    add_handlers(app)
    return app


def create_worker_app() -> FastAPI:
    """Return the application of one of several workers, whose settings are in the environment."""
    settings = Settings.from_json(json.loads(os.environ[SETTINGS_VARIABLE]))
    return create_app(settings, SentimentModel.load(settings.model), read_token())


def _add_file(app: FastAPI, path: str, name: str) -> None:
    async def answer() -> Response:
        return FileResponse(_PAGE / name, headers={"Cache-Control": "no-cache"})

    app.add_api_route(path, answer, methods=["GET", "HEAD"], include_in_schema=False)

"""Waiting for an answer as long as there is somebody to give it to."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from fastapi import Request

from imdb_sentiment.serving.problems import ProblemError

Result = TypeVar("Result")


async def unless_gone(request: Request, waiting: Awaitable[Result]) -> Result:
    """Return what `waiting` gives; cancel it if the client goes first, as a page does with each key that is typed."""
    work = asyncio.ensure_future(waiting)
    going = asyncio.create_task(_until_gone(request))
    try:
        await asyncio.wait((work, going), return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            work.cancel()
            raise ProblemError(408, "the client has gone; expected it to wait")
        return work.result()
    finally:
        going.cancel()


async def _until_gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass

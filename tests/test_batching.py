"""Gathering texts into batches: what belongs to whom, the end of the queue, and failures."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, cast

import pytest

from imdb_sentiment.serving.batching import Batcher, Lane
from imdb_sentiment.serving.patience import unless_gone
from imdb_sentiment.serving.problems import ProblemError


def work_with(batcher: "Batcher[str]", ask: Callable[[], Awaitable[Any]]) -> Any:
    """Return what `ask()` returns while the batcher works."""

    async def work() -> Any:
        task = asyncio.create_task(batcher.run())
        await asyncio.sleep(0)
        try:
            return await asyncio.wait_for(ask(), 30)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return asyncio.run(work())


def make(predict: Callable[[list[str]], list[str]], **changed: Any) -> "Batcher[str]":
    return Batcher(predict, **{"batch_texts": 4, "gather": 0.01, "queue_texts": 20, "threads": 2, **changed})


def test_requests_share_batches_and_each_gets_its_own_answers() -> None:
    sizes = []

    def predict(texts: list[str]) -> list[str]:
        sizes.append(len(texts))
        return [text.upper() for text in texts]

    requests = [["a"], ["b", "c"], ["d"], list("efghijklm"), []]
    batcher = make(predict)
    found = work_with(batcher, lambda: asyncio.gather(*(batcher.submit(texts) for texts in requests)))
    assert found == [["A"], ["B", "C"], ["D"], list("EFGHIJKLM"), []]
    assert sum(sizes) == 13
    assert sizes[0] == max(sizes) == 4
    assert batcher.waiting == 0


def test_full_queue_is_said_at_once_and_with_a_time() -> None:
    held = threading.Event()

    def predict(texts: list[str]) -> list[str]:
        held.wait(20)
        return texts

    batcher = make(predict, queue_texts=6, threads=1)

    async def ask() -> None:
        running = asyncio.create_task(batcher.submit(list("abcd")))
        await asyncio.sleep(0.1)  # now with the model
        waiting = asyncio.create_task(batcher.submit(list("efghi")))
        await asyncio.sleep(0)
        with pytest.raises(ProblemError) as caught:
            await batcher.submit(["j", "k"])
        assert caught.value.status_code == 503
        assert caught.value.headers == {"Retry-After": "1"}
        assert "found 5 texts that wait" in caught.value.detail
        held.set()
        assert [await running, await waiting] == [list("abcd"), list("efghi")]
        assert await batcher.submit(["j", "k"]) == ["j", "k"]

    work_with(batcher, ask)


def test_failure_reaches_whoever_asked_and_nobody_after() -> None:
    def predict(texts: list[str]) -> list[str]:
        if "bad" in texts:
            raise ValueError("broken")
        return texts

    batcher = make(predict)

    async def ask() -> None:
        for error in await asyncio.gather(batcher.submit(["bad"]), batcher.submit(["a"]), return_exceptions=True):
            assert isinstance(error, ValueError)
        assert await batcher.submit(["fine"]) == ["fine"]

    work_with(batcher, ask)


def test_texts_of_a_request_that_has_gone_are_not_classified() -> None:
    seen: list[str] = []
    held = threading.Event()

    def predict(texts: list[str]) -> list[str]:
        held.wait(20)
        seen.extend(texts)
        return texts

    batcher = make(predict, threads=1)

    async def ask() -> None:
        first = asyncio.create_task(batcher.submit(["first"]))
        await asyncio.sleep(0.1)
        gone = asyncio.create_task(batcher.submit(["gone"]))
        await asyncio.sleep(0)
        gone.cancel()
        held.set()
        await first
        await batcher.submit(["last"])

    work_with(batcher, ask)
    assert seen == ["first", "last"]


def test_lane_has_room_for_few() -> None:
    async def ask() -> None:
        lane, held = Lane("explain", 2), threading.Event()
        both = [lane.submit(lambda: held.wait(20)) for _ in range(2)]
        with pytest.raises(ProblemError, match="2 requests to explain that wait"):
            lane.submit(bool)
        held.set()
        await asyncio.gather(*both)
        assert await lane.submit(lambda: "done") == "done"
        lane.close()

    asyncio.run(ask())


class _Client:
    """A request whose client goes after `seconds`."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    async def receive(self) -> dict[str, str]:
        await asyncio.sleep(self.seconds)
        return {"type": "http.disconnect"}


def test_work_is_cancelled_when_the_client_goes() -> None:
    async def ask() -> None:
        lane, held = Lane("explain", 3), threading.Event()
        first, started = lane.submit(lambda: held.wait(20)), []
        with pytest.raises(ProblemError, match="the client has gone"):
            await unless_gone(cast(Any, _Client(0.01)), lane.submit(lambda: started.append(1)))
        await asyncio.sleep(0)  # now it is counted
        assert lane.waiting == 1
        held.set()
        assert await unless_gone(cast(Any, _Client(30)), first)
        assert started == []
        lane.close()

    asyncio.run(ask())

"""Gathering the texts of requests into batches for the model, and queues that have an end."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, TypeVar

from imdb_sentiment.serving.problems import busy

Result = TypeVar("Result")


class _Piece(NamedTuple, Generic[Result]):
    texts: Sequence[str]
    found: "asyncio.Future[Sequence[Result]]"


class Batcher(Generic[Result]):
    """Calls `predict` with the texts of several requests at once, in threads.

    Texts that come while all threads work are gathered, so a busy server has full batches; an idle one waits `gather`
    seconds for others to come. A long request is taken in pieces.
    """

    def __init__(
        self,
        predict: Callable[[list[str]], Sequence[Result]],
        *,
        batch_texts: int,
        gather: float,
        queue_texts: int,
        threads: int,
    ) -> None:
        self.predict = predict
        self.batch_texts, self.gather, self.queue_texts, self.threads = batch_texts, gather, queue_texts, threads
        self.waiting = 0  # texts
        self.pieces: deque[_Piece[Result]] = deque()

    async def submit(self, texts: Sequence[str]) -> list[Result]:
        """Return what `predict` gives for `texts`. Raises ProblemError if too many texts wait already."""
        if self.waiting + len(texts) > self.queue_texts:
            raise busy(
                f"found {self.waiting:,} texts that wait; expected room for {len(texts):,} more: try again later"
            )
        loop = asyncio.get_running_loop()
        size = self.batch_texts
        pieces = [_Piece(texts[at : at + size], loop.create_future()) for at in range(0, len(texts), size)]
        self.pieces.extend(pieces)
        self.waiting += len(texts)
        self._filled.set()
        found = await asyncio.gather(*(piece.found for piece in pieces))
        return [result for results in found for result in results]

    async def run(self) -> None:
        """Work until it is cancelled."""
        self._filled = asyncio.Event()
        free = asyncio.Semaphore(self.threads)
        running: set[asyncio.Task[None]] = set()
        with ThreadPoolExecutor(self.threads, "predict") as pool:
            while True:
                await free.acquire()
                await self._filled.wait()
                if self.waiting < self.batch_texts:
                    await asyncio.sleep(self.gather)
                batch = self._take()
                task = asyncio.create_task(self._work(pool, batch))
                running.add(task)
                task.add_done_callback(running.discard)
                task.add_done_callback(lambda _: free.release())

    def _take(self) -> list[_Piece[Result]]:
        batch: list[_Piece[Result]] = []
        count = 0
        while self.pieces and (not batch or count + len(self.pieces[0].texts) <= self.batch_texts):
            piece = self.pieces.popleft()
            self.waiting -= len(piece.texts)
            if not piece.found.done():  # whoever asked may have gone
                batch.append(piece)
                count += len(piece.texts)
        if not self.pieces:
            self._filled.clear()
        return batch

    async def _work(self, pool: ThreadPoolExecutor, batch: list[_Piece[Result]]) -> None:
        texts = [text for piece in batch for text in piece.texts]
        try:
            results = await asyncio.get_running_loop().run_in_executor(pool, self.predict, texts) if texts else []
        except Exception as error:  # each of the requests has to know of it
            for piece in batch:
                if not piece.found.done():
                    piece.found.set_exception(error)
            return
        start = 0
        for piece in batch:
            if not piece.found.done():
                piece.found.set_result(results[start : start + len(piece.texts)])
            start += len(piece.texts)


class Lane:
    """One thread for work that takes long, and room for a few who wait."""

    def __init__(self, name: str, most_waiting: int) -> None:
        self.pool = ThreadPoolExecutor(1, name)
        self.name, self.most_waiting, self.waiting = name, most_waiting, 0

    def submit(self, work: Callable[[], Result]) -> "asyncio.Future[Result]":
        """Return the future result of `work()`, which can be cancelled as long as it waits. Raises ProblemError."""
        self.check()
        self.waiting += 1
        future = asyncio.get_running_loop().run_in_executor(self.pool, work)
        future.add_done_callback(self._count_down)
        return future

    def check(self) -> None:
        """Raise ProblemError if too many wait already."""
        if self.waiting >= self.most_waiting:
            raise busy(f"found {self.waiting} requests to {self.name} that wait; expected fewer: try again later", 5)

    def _count_down(self, _: object) -> None:
        self.waiting -= 1

    def close(self) -> None:
        """Wait for the work in hand, and drop what waits."""
        self.pool.shutdown(cancel_futures=True)

"""What the routes share: the model, the queues before it, and the counts."""

from importlib.metadata import version
from typing import Any

from imdb_sentiment.prediction.answers import Answer
from imdb_sentiment.prediction.model_folder import GRAPH_NAME, read_settings
from imdb_sentiment.prediction.predictor import SentimentModel
from imdb_sentiment.runtime.threads import thread_count
from imdb_sentiment.serving.answers import predict_answers
from imdb_sentiment.serving.batching import Batcher, Lane
from imdb_sentiment.serving.metrics import Metrics
from imdb_sentiment.serving.settings import Settings
from imdb_sentiment.serving.table_jobs import TableJobs


class Service:
    """One worker's share of the server."""

    def __init__(self, settings: Settings, model: SentimentModel) -> None:
        self.settings, self.model, self.metrics = settings, model, Metrics()
        self.batcher: Batcher[Answer] = Batcher(
            self._predict,
            batch_texts=settings.batch_texts,
            gather=settings.gather,
            queue_texts=settings.queue_texts,
            threads=thread_count(),
        )
        self.explain_lane = Lane("explain", most_waiting=16)
        self.table_lane = Lane("tables", most_waiting=4)
        self.jobs = TableJobs(settings, model, self.metrics.rows.inc)
        checksum = read_settings(settings.model)["files"][GRAPH_NAME]
        self._described = {"name": settings.model.resolve().name, "checksum": checksum}

    def _predict(self, texts: list[str]) -> list[Answer]:
        self.metrics.batches.observe(len(texts))
        return predict_answers(self.model, texts)

    def describe(self) -> dict[str, Any]:
        """Return what `GET /v1/model` answers."""
        settings = self.settings
        limits = {
            "texts": settings.most_texts,
            "characters": settings.most_characters,
            "body_bytes": settings.body_bytes,
            "table_bytes": settings.table_bytes,
            "table_rows": settings.table_rows,
        }
        encoder = self.model.encoder
        sizes = {"vocabulary_size": encoder.size, "max_length": encoder.max_length}
        return {**self._described, "version": version("imdb-sentiment"), **sizes, "limits": limits}

    def close(self) -> None:
        """End the work on tables, and wait for what is in hand."""
        self.jobs.stopping.set()
        self.table_lane.close()
        self.explain_lane.close()

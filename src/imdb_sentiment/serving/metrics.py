"""What the server counts, as Prometheus reads it; of all workers together where there are several."""

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from imdb_sentiment.serving.settings import COUNTS_VARIABLE


class Metrics:
    """The counts of one server. No label holds what a client has chosen: the paths are the server's own."""

    def __init__(self) -> None:
        self.is_shared = COUNTS_VARIABLE in os.environ
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "imdb_sentiment_requests", "Requests answered.", ["method", "path", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "imdb_sentiment_request_seconds",
            "Time from a request's headers to the end of its answer.",
            ["path"],
            registry=self.registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30),
        )
        self.texts = Counter("imdb_sentiment_texts", "Texts classified.", registry=self.registry)
        self.rows = Counter("imdb_sentiment_table_rows", "Rows of tables classified.", registry=self.registry)
        self.batches = Histogram(
            "imdb_sentiment_batch_texts",
            "Texts that the model got at once.",
            registry=self.registry,
            buckets=(1, 2, 4, 8, 16, 32),
        )
        self.waiting = Gauge(
            "imdb_sentiment_waiting_texts",
            "Texts that wait for the model.",
            registry=self.registry,
            multiprocess_mode="livesum",
        )

    def render(self) -> bytes:
        """Return Prometheus's text."""
        if not self.is_shared:
            return generate_latest(self.registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)

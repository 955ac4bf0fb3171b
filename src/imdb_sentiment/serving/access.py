"""The access log, a JSON object for each request: neither texts nor names of files, addresses or tokens."""

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imdb_sentiment.serving.metrics import Metrics


class AccessLog:
    """Counts every request, and writes a line for it on standard error.

    The path is that of the route (`/v1/tables/{job}`), or `other`.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        seen: dict[str, Any] = {"status": 499, "bytes": 0}  # 499: the client has gone before an answer

        async def watched(message: Message) -> None:
            if message["type"] == "http.response.start":
                seen["status"] = message["status"]
            else:
                seen["bytes"] += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception:
            seen["status"] = 500
            raise
        finally:
            seconds = time.perf_counter() - start
            route = scope.get("route")
            path = getattr(route, "path", "other")
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
            self.metrics.requests.labels(method, path, seen["status"]).inc()
            self.metrics.seconds.labels(path).observe(seconds)
            line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "method": method, "path": path}
            print(json.dumps({**line, **seen, "ms": round(1000 * seconds, 1)}), file=sys.stderr, flush=True)

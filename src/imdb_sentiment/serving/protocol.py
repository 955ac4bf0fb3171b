"""HTTP connections with limits of time and size for a request's head, which uvicorn does not have."""

from asyncio import TimerHandle, Transport
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_HEAD_BYTES: Final = 65_536


class TimedProtocol(HttpToolsProtocol):
    """Closes a connection that has not sent the head of a request in time: half-open ones, and very slow clients.

    A head that does not end is refused as well. A connection that is kept after an answer has uvicorn's own limit,
    until something arrives.
    """

    head_time: float = 10.0
    _timer: TimerHandle | None = None
    _head_bytes: int = 0

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._timer = self.loop.call_later(self.head_time, self._close)

    def data_received(self, data: bytes) -> None:
        """Take what has arrived; with it the head may be complete."""
        super().data_received(data)
        is_waiting = self.cycle is None or self.cycle.response_complete
        if not is_waiting:
            self._stop_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > _HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response(f"found a head of more than {_HEAD_BYTES:,} bytes; expected less")
        elif self._timer is None:
            self._timer = self.loop.call_later(self.head_time, self._close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_timer()
        super().connection_lost(exc)

    def _stop_timer(self) -> None:
        self._head_bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self) -> None:
        self._timer = None
        if not self.transport.is_closing():
            self.transport.close()

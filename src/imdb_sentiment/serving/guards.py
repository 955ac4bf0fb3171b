"""What stands before every route: limits of size and time, the token, the host's name, and headers for browsers."""

import asyncio
import hmac
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imdb_sentiment.serving.problems import ProblemError
from imdb_sentiment.serving.settings import Settings

UPLOADS: Final = "/v1/tables"
# Nothing is fetched from elsewhere, nothing runs that is not a file of the page.
_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Guards:
    """Refuses a request before it costs anything, and gives every answer the headers that browsers heed."""

    def __init__(self, app: ASGIApp, settings: Settings, token: str | None) -> None:
        self.app, self.settings, self.token = app, settings, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        shares = bool(self.settings.origins)

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    if not (shares and name == "Cross-Origin-Resource-Policy"):
                        headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        headers = Headers(scope=scope)
        is_upload = scope["path"] == UPLOADS
        limit = self.settings.table_bytes if is_upload else self.settings.body_bytes
        try:
            self._check(scope, headers, limit)
        except ProblemError as problem:
            await problem.response()(scope, receive, with_headers)
            return
        seconds = self.settings.table_time if is_upload else self.settings.body_time
        await self.app(scope, _limited(receive, limit, seconds), with_headers)

    def _check(self, scope: Scope, headers: Headers, limit: int) -> None:
        host = headers.get("host", "").rpartition(":")[0] if _has_port(headers) else headers.get("host", "")
        if self.settings.hosts and host.lower() not in self.settings.hosts:
            raise ProblemError(421, f"found another host's name; expected {', '.join(self.settings.hosts)}")
        needs_token = scope["path"].startswith("/v1/") or scope["path"] == "/metrics"
        if self.token and needs_token and scope["method"] != "OPTIONS":
            scheme, _, given = headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), self.token.encode()):
                detail = "found no valid token; expected the header Authorization: Bearer TOKEN"
                raise ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > limit:
            raise _too_large(limit)


def _has_port(headers: Headers) -> bool:
    return headers.get("host", "").rpartition(":")[2].isdecimal()


def _too_large(limit: int) -> ProblemError:
    # The rest of the body is not read: the connection cannot be used again.
    return ProblemError(
        413, f"found a body of more than {limit:,} bytes; expected less", headers={"Connection": "close"}
    )


def _limited(receive: Receive, limit: int, seconds: float) -> Receive:
    """Return `receive` that raises ProblemError once the body has more bytes, or takes longer, than it may."""
    end = time.monotonic() + seconds
    size = 0
    is_complete = False

    async def limited() -> Message:
        nonlocal size, is_complete
        if is_complete:  # what comes now is the client's going, for which there is no limit
            return await receive()
        try:
            message = await asyncio.wait_for(receive(), max(0, end - time.monotonic()))
        except TimeoutError:
            detail = f"found a body that took more than {seconds:g} seconds; expected it sooner"
            raise ProblemError(408, detail, headers={"Connection": "close"}) from None
        size += len(message.get("body", b""))
        is_complete = not message.get("more_body", False)
        if size > limit:
            raise _too_large(limit)
        return message

    return limited

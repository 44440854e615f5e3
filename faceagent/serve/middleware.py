"""What happens to every request: an id, limits on bytes and time, security headers, one log line, metrics.

A plain ASGI middleware: Starlette's own class for them would copy every body and hide a client that hangs up.
"""

import asyncio
import re
import secrets
import time

import structlog
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceagent.serve.errors import ApiError, body_of, error_of
from faceagent.serve.logs import logger
from faceagent.serve.metrics import Metrics
from faceagent.serve.settings import ServiceSettings

UPLOADS = ("/v1/analyze", "/v1/moderate", "/v1/jobs", "/v1/tools/", "/v1/chat/completions")
"""Where pictures come in; requests to other paths are small."""
SMALL = 2**20
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
}
"""Sent unless the route says otherwise. No header allows other origins: CORS stays closed."""


class Guard:
    """The middleware. Limits the bytes of a body before they are read, whether or not their number is declared."""

    def __init__(self, app: ASGIApp, *, settings: ServiceSettings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        given = request.headers.get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        structlog.contextvars.bind_contextvars(request_id=request_id)
        start, status = time.perf_counter(), 500
        begun = False

        async def reply(message: Message) -> None:
            nonlocal status, begun
            if message["type"] == "http.response.start":
                status, begun = message["status"], True
                present = {name.lower() for name, _ in message["headers"]}
                added = {**HEADERS, "x-request-id": request_id}
                message["headers"] = [
                    *message["headers"],
                    *((name.encode(), text.encode()) for name, text in added.items() if name.encode() not in present),
                ]
            await send(message)

        try:
            limit = self._settings.max_request_bytes if scope["path"].startswith(UPLOADS) else SMALL
            refusal = _declared(request, limit)
            if refusal is not None:
                await body_of(request, refusal)(scope, receive, reply)
                return
            await self._app(scope, self._limited(receive, limit), reply)
        except Exception as error:
            known = error_of(error)
            if known.status == 500:
                logger.exception("crashed", kind=type(error).__name__)
            if begun:
                raise
            await body_of(request, known)(scope, receive, reply)
        finally:
            self._count(scope, status, time.perf_counter() - start)
            structlog.contextvars.clear_contextvars()

    def _limited(self, receive: Receive, limit: int) -> Receive:
        """``receive`` within a limit on bytes, and on time by the settings."""
        seconds, received = self._settings.upload_seconds, 0
        whole, end = False, time.monotonic() + seconds

        async def limited() -> Message:
            nonlocal received, whole
            if whole:
                # What follows is only that the client hangs up, at any time.
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.01, end - time.monotonic()))
            except TimeoutError:
                raise ApiError(408, f"The request took longer than {seconds:g} seconds to arrive.") from None
            received += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            if received > limit:
                raise too_large(limit)
            return message

        return limited

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # The route's pattern, not the path: ids and names stay out of logs and metrics.
        route = getattr(scope.get("route"), "path", "(none)")
        key = scope["state"].get("key_id", "")
        self._metrics.requests.labels(route, scope["method"], status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if route not in ("/healthz", "/readyz", "/metrics"):
            logger.info(
                "request", route=route, method=scope["method"], status=status, ms=round(1000 * seconds, 1), key=key
            )


def _declared(request: Request, limit: int) -> ApiError | None:
    declared = request.headers.get("content-length", "")
    return too_large(limit) if declared.isdecimal() and int(declared[:20]) > limit else None


def too_large(limit: int) -> ApiError:
    """413, with the limit."""
    return ApiError(413, f"The request has more than {limit:,} bytes.")

"""What happens to every request: an id, limits on bytes and time, security headers, one log line, metrics.

A plain ASGI middleware: Starlette's own class for them would copy every body and hide a client that hangs up.
"""

import asyncio
import re
import secrets
import time
from collections import Counter
from urllib.parse import urlsplit

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from faceagent.serve import desk, tracing
from faceagent.serve.auth import identify
from faceagent.serve.errors import ApiError, body_of, error_of, too_many
from faceagent.serve.logs import logger
from faceagent.serve.metrics import Metrics
from faceagent.serve.settings import ServiceSettings, is_loopback

UPLOADS = ("/v1/analyze", "/v1/moderate", "/v1/jobs", "/v1/tools/", "/v1/chat/completions", "/mcp")
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


PUBLIC = frozenset({"/healthz", "/readyz", "/openapi.json", *desk.PAGES})
"""Paths that need no key; so do the desk's own files, and signing in."""
UNLOGGED = frozenset({"/healthz", "/readyz", "/metrics", desk.FILE})
"""Routes that are asked often and say nothing of what people do."""
RETRY_SECONDS = 5.0
TOO_MUCH = "Too many large requests are under way."


class Guard:
    """The middleware. Who asks is known, and every limit is checked, before anything of a body is read.

    It counts the bytes of all bodies under way and the requests of every key, so that one client can fill neither the
    memory nor the threads.
    """

    def __init__(self, app: ASGIApp, *, settings: ServiceSettings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics
        self._held, self._running = 0, Counter[str]()

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
        mine = _Share()

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
            with tracing.request_span(scope["method"], request.headers) as span:
                try:
                    await self._admit(request, mine, limit)
                    await self._app(scope, self._limited(receive, mine, limit), reply)
                finally:
                    tracing.finish_request(span, scope["method"], _route(scope), status)
        except Exception as error:
            known = error_of(error)
            if known.status == 500:
                logger.exception("crashed", kind=type(error).__name__)
            if begun:
                raise
            await body_of(request, known)(scope, receive, reply)
        finally:
            self._held -= mine.held
            if mine.key is not None:
                self._running[mine.key] -= 1
            self._count(scope, status, time.perf_counter() - start)
            structlog.contextvars.clear_contextvars()

    async def _admit(self, request: Request, mine: "_Share", limit: int) -> None:
        """Raises ApiError: 401 for a key that is none, 403 for a foreign page, 413 and 429 for too much."""
        if not _is_public(request):
            if self._settings.open:
                _check_local(request)
            key = await run_in_threadpool(identify, request, request.app.state.service)
            request.state.key, request.state.key_id = key, key.id
            if self._running[key.id] >= self._settings.concurrent:
                raise too_many(f"{self._settings.concurrent} requests of this key are under way.", RETRY_SECONDS)
            self._running[key.id] += 1
            mine.key = key.id
        declared = request.headers.get("content-length", "")
        size = int(declared[:20]) if declared.isdecimal() else 0
        if size > limit:
            raise too_large(limit)
        if self._held + size > self._settings.held_bytes:
            raise too_many(TOO_MUCH, RETRY_SECONDS)

    def _limited(self, receive: Receive, mine: "_Share", limit: int) -> Receive:
        """``receive`` within a limit on the bytes of this request, of all together, and on time by the settings."""
        seconds = self._settings.upload_seconds
        whole, end = False, time.monotonic() + seconds

        async def limited() -> Message:
            nonlocal whole
            if whole:
                # What follows is only that the client hangs up, at any time.
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), max(0.01, end - time.monotonic()))
            except TimeoutError:
                raise ApiError(408, f"The request took longer than {seconds:g} seconds to arrive.") from None
            size = len(message.get("body", b""))
            self._held += size
            mine.held += size
            whole = not message.get("more_body", False)
            if mine.held > limit:
                raise too_large(limit)
            if self._held > self._settings.held_bytes:
                raise too_many(TOO_MUCH, RETRY_SECONDS)
            return message

        return limited

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        key = scope["state"].get("key_id", "")
        self._metrics.requests.labels(route, scope["method"], status).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        if route not in UNLOGGED:
            logger.info(
                "request", route=route, method=scope["method"], status=status, ms=round(1000 * seconds, 1), key=key
            )


def _route(scope: Scope) -> str:
    """The route's pattern, not the path: ids and names stay out of logs, metrics and traces."""
    return getattr(scope.get("route"), "path", "(none)")


class _Share:
    """What one request takes of what all share: bytes, and a place among those of its key."""

    held: int = 0
    key: str | None = None


def _is_public(request: Request) -> bool:
    path = request.url.path
    signs_in = path == "/v1/session" and request.method == "POST"
    return path in PUBLIC or path.startswith((desk.FILES, desk.CASE)) or signs_in


def _check_local(request: Request) -> None:
    """Without keys, no web page may ask but the desk of this machine. Raises ApiError (403).

    A page of another site can send a request to this machine, and one whose name leads to 127.0.0.1 (DNS rebinding) can
    read the answer. Programs send no Origin, and name this machine as what it is.
    """
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    origin = request.headers.get("origin")
    if not is_loopback(host) or (origin is not None and not is_loopback(urlsplit(origin).hostname or "")):
        raise ApiError(403, "A server without keys answers programs and the desk of this machine only.")


def too_large(limit: int) -> ApiError:
    """413, with the limit."""
    return ApiError(413, f"The request has more than {limit:,} bytes.")

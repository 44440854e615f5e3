"""Who asks: API keys, their roles, and how often each may ask.

A key is checked against its argon2 hash once in ``REMEMBERED`` seconds; in between it is known by a digest under a
random key of this process. So a revoked key ends at once here, and within that time in other processes.
"""

import hashlib
import secrets
import time
from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from faceagent.serve.browser import session_token
from faceagent.serve.errors import ApiError, too_many
from faceagent.serve.service import Service, service_of
from faceagent.storage.database.api_keys import DAY, MINUTE, ROLES, ApiKey, Role, count_use, find_key
from faceagent.storage.database.browser_sessions import find_session

REMEMBERED = 30.0
MOST_REMEMBERED = 10_000
LOCAL = ApiKey(id="local", name="without keys", role="admin", created=0.0)
"""Who asks a server that runs without keys."""

_bearer = HTTPBearer(auto_error=False, description="An API key, made with `POST /v1/keys`.")


class KeyCache:
    """Keys that were checked a moment ago."""

    def __init__(self) -> None:
        self._salt = secrets.token_bytes(32)
        self._known: dict[bytes, tuple[ApiKey, float]] = {}

    def find(self, service: Service, secret: str) -> ApiKey | None:
        """The key with that secret."""
        digest = hashlib.blake2b(secret.encode("utf-8", "replace"), key=self._salt).digest()
        key, until = self._known.get(digest, (None, 0.0))
        if key is not None and time.monotonic() < until:
            return key
        found = find_key(service.database, secret)
        self._known.pop(digest, None)
        if found is not None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            self._known[digest] = (found, time.monotonic() + REMEMBERED)
        return found

    def forget(self) -> None:
        """Check every key anew: one was revoked."""
        self._known.clear()


def _allowed(role: Role, *, counted: bool = True) -> Callable[..., ApiKey]:
    def check(
        request: Request,
        service: Annotated[Service, Depends(service_of)],
        given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    ) -> ApiKey:
        del given  # for the OpenAPI document; the middleware has read it
        key: ApiKey = request.state.key
        structlog.contextvars.bind_contextvars(key=key.id)
        if ROLES.index(key.role) < ROLES.index(role):
            raise ApiError(403, f"This needs a key with the role {role}; yours is {key.role}.")
        if key is not LOCAL and counted:
            _count(service, key)
        return key

    return check


def identify(request: Request, service: Service) -> ApiKey:
    """The key of a request, found before anything of its body is read. Raises ApiError (401). Takes up to 50 ms."""
    if service.settings.open:
        return LOCAL
    header = request.headers.get("authorization", "")
    if not header and (token := session_token(request)) is not None:
        signed_in = find_session(service.database, token)
        if signed_in is None:
            raise ApiError(401, "Your session is over. Sign in again.", headers={"WWW-Authenticate": "Bearer"})
        return signed_in
    scheme, _, secret = header.partition(" ")
    given = secret.strip() if scheme.lower() == "bearer" else ""
    key = key_of(request, service, given) if given else None
    if key is None:
        words = "This API key is not valid." if given else "Send an API key: Authorization: Bearer fa_…"
        raise ApiError(401, words, headers={"WWW-Authenticate": "Bearer"})
    return key


def key_of(request: Request, service: Service, secret: str) -> ApiKey | None:
    """The key with that secret. Takes up to 50 ms."""
    cache: KeyCache = request.app.state.keys
    return cache.find(service, secret)


def _count(service: Service, key: ApiKey) -> None:
    minute, day = count_use(service.database, key.id)
    rate, quota = key.rate or service.settings.rate, key.quota or service.settings.quota
    if minute > rate:
        raise too_many(f"This key may make {rate} requests a minute.", MINUTE - time.time() % MINUTE)
    if day > quota:
        raise too_many(f"This key may make {quota} requests a day.", DAY - time.time() % DAY)


Submitter = Annotated[ApiKey, Depends(_allowed("submit"))]
Looker = Annotated[ApiKey, Depends(_allowed("submit", counted=False))]
"""Who may look at small pictures, of which a page shows hundreds: they do not count as requests."""
Reviewer = Annotated[ApiKey, Depends(_allowed("review"))]
Admin = Annotated[ApiKey, Depends(_allowed("admin"))]
ServiceHere = Annotated[Service, Depends(service_of)]


def owner(key: ApiKey) -> str | None:
    """Whose cases and jobs the key may see: its own, or all (None)."""
    return key.id if key.role == "submit" else None

"""One request and what may come of it: what is repeated, after how long, and which error an answer stands for.

Knows status codes and headers; sends nothing. A request is sent again only where that cannot do its work twice: it
never reached the service, the service refused it for now (429, 503), or repeating it changes nothing.
"""

import inspect
import json
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, Literal, TypeVar, cast

import httpx2

from faceagent.client.answers import parse
from faceagent.client.pictures import Body
from faceagent.errors import InputError, ServiceError
from faceagent.version import __version__

T = TypeVar("T")

URL_VARIABLE, KEY_VARIABLE = "FACEAGENT_SERVICE_URL", "FACEAGENT_SERVICE_KEY"
DEFAULT_URL = "http://127.0.0.1:8156"
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
LONGEST_WISH = 300.0
"""Longest Retry-After that is followed; a longer one is given to the caller as an error."""
CONNECT_SECONDS = 10.0
_REMEDIES: Mapping[int, str] = {
    401: f"Give key=, or set {KEY_VARIABLE}.",
    403: "Use a key with the role that this needs.",
    410: "Analyse the picture again.",
    413: "Send less at a time.",
    429: "Wait, or ask for a higher limit.",
    503: "Try again later.",
}


@dataclass(frozen=True)
class Call(Generic[T]):
    """A request: where to, with what, and what is expected back; ``bytes`` as they come.

    ``take`` is what the caller gets of it; None: all.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    kind: type[Any]
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Body | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    take: Callable[[Any], T] | None = None

    @property
    def safe(self) -> bool:
        """Whether sending it twice has the same effect as sending it once."""
        return self.method in ("GET", "DELETE") or "Idempotency-Key" in self.headers

    @property
    def repeatable(self) -> bool:
        """Whether it can be sent a second time at all."""
        return self.body is None or self.body.repeatable

    def arguments(self, stack: ExitStack) -> dict[str, Any]:
        """The arguments of the HTTP client's ``request``. Raises InputError where a file cannot be read."""
        found: dict[str, Any] = {"headers": dict(self.headers)}
        if self.params:
            found["params"] = {name: value for name, value in self.params.items() if value is not None}
        if self.content is not None:
            found["content"] = self.content
        if self.body is not None:
            found |= self.body.open(stack)
        return found

    def answer(self, status: int, headers: Mapping[str, str], data: bytes) -> T:
        """What the answer says. Raises ServiceError for a status that is no success."""
        if not 200 <= status < 300:
            raise error_of(status, headers, data)
        found: Any = parse(self.kind, data)
        return cast(T, found) if self.take is None else self.take(found)


@dataclass(frozen=True)
class Pages(Generic[T]):
    """A list that comes in pages: the call for the page after a cursor, None for the first, gives entries and a cursor.

    The last page has no cursor.
    """

    page: Callable[[Any], Call[tuple[Sequence[T], Any]]]


def describe(method: Callable[..., Any], build: Callable[..., Any]) -> None:
    """Give a client's method the name, the words and the parameters of the function that describes its request."""
    method.__name__, method.__doc__ = build.__name__, build.__doc__
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [own, *inspect.signature(build).parameters.values()]
    method.__dict__["__signature__"] = inspect.Signature(parameters)


def connection(url: str | None, key: str | None, seconds: float) -> dict[str, Any]:
    """The arguments of an HTTP client for this service. Raises InputError for an address that is none."""
    address = url or os.environ.get(URL_VARIABLE) or DEFAULT_URL
    secret = key or os.environ.get(KEY_VARIABLE)
    try:
        parsed = httpx2.URL(address)
    except (httpx2.InvalidURL, ValueError):
        parsed = httpx2.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host or parsed.userinfo:
        raise InputError("The service's address is no http or https URL.", remedy=f"Give one such as {DEFAULT_URL}.")
    if secret is not None and not (secret.isascii() and secret.isprintable()):
        raise InputError("A key has printable ASCII characters only.", remedy="Check that it was copied whole.")
    headers = {"User-Agent": f"faceagent/{__version__}"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    return {
        "base_url": address.rstrip("/"),
        "headers": headers,
        "timeout": httpx2.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds)),
        # A proxy cannot reach this machine's own ports, and the key is for the service alone.
        "trust_env": parsed.host not in ("127.0.0.1", "localhost", "::1"),
        "follow_redirects": False,
    }


def error_of(status: int, headers: Mapping[str, str], data: bytes) -> ServiceError:
    """The error that an answer stands for, also where it does not come from faceagent."""
    try:
        body = json.loads(data)
        content = body["error"]
        code, message = str(content["code"]), str(content["message"])
        details = tuple((str(one["field"]), str(one["message"])) for one in content.get("details") or ())
        request_id = body.get("request_id")
    except (ValueError, KeyError, TypeError, AttributeError):
        code, message, details, request_id = "not_understood", f"The service answered {status}.", (), None
    if 300 <= status < 400:
        message = f"The service answered {status}: it is at another address."
    return ServiceError(
        message,
        code=code,
        status=status,
        remedy=_REMEDIES.get(status),
        request_id=str(request_id or headers.get("x-request-id") or "") or None,
        details=details,
        retry_after=_seconds(headers.get("retry-after")),
    )


def unreachable(error: httpx2.TransportError) -> ServiceError:
    """The error of a request without an answer."""
    if isinstance(error, httpx2.TimeoutException):
        remedy = "Raise seconds=, or use a job for many pictures."
        return ServiceError("The service did not answer in time.", code="timed_out", remedy=remedy)
    remedy = f"Check the address (url= or {URL_VARIABLE}) and that the service runs."
    return ServiceError(f"The service cannot be reached: {type(error).__name__}.", code="unreachable", remedy=remedy)


def pause_before(call: Call[T], attempt: int, error: ServiceError, cause: httpx2.TransportError | None) -> float | None:
    """Seconds until the next try, or None: the error is final. ``attempt`` counts from 0."""
    if not call.repeatable:
        return None
    refused = error.status in (429, 503)
    unsent = isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout | httpx2.PoolTimeout)
    lost = call.safe and (cause is not None or error.status in (500, 502, 504))
    if not (refused or unsent or lost):
        return None
    if error.retry_after is not None:
        # A little more for each, so that clients that were refused together do not come back together.
        return error.retry_after + random.uniform(0, 0.5) if error.retry_after <= LONGEST_WISH else None  # noqa: S311
    return float(min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt) * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds; it may be a date."""
    if text is None:
        return None
    if text.strip().isdecimal():
        return float(text.strip()[:9])
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    until = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (until - datetime.fromtimestamp(time.time(), UTC)).total_seconds())

"""SSRF-safe download of one picture from the web, and sending: public addresses only, bounded in bytes and time.

Only http and https on the usual web ports. A name is resolved once, every address it has must be public, and the
connection goes to one of those very addresses, with the name only in ``Host`` and in TLS: a second, different
answer of the name server is never asked for. Redirects pass the same checks, up to a cap. No cookies, no
credentials, no proxies, no decompression. The whole errand has one time limit and one byte limit.
"""

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal, TypeVar

import httpx2

from faceagent.intake.addresses import PORTS, address_refusal, host_refusal, literal_address
from faceagent.intake.text import clean
from faceagent.settings import Settings
from faceagent.types import Problem

T = TypeVar("T")
Resolver = Callable[[str, int], Sequence[str]]
"""Host and port → addresses in text form. Raises OSError when there are none."""

_MOVED = frozenset({301, 302, 303, 307, 308})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SILENCE = 5.0
"""Seconds without a byte after which the download fails; the total time limit may be shorter."""

_TRIES = 4
"""Addresses of one name that are tried, for hosts whose IPv6 leads nowhere from here."""


@dataclass(frozen=True)
class _Target:
    """A URL that passed, and the public addresses it may be fetched from, in the resolver's order."""

    url: httpx2.URL
    host: str
    addresses: tuple[str, ...]


class _Rejected(Exception):
    """Ends the download; holds the problem to report."""

    def __init__(self, reason: Literal["fetch_refused", "fetch_failed", "too_large"], message: str) -> None:
        super().__init__(message)
        self.problem = Problem(
            reason=reason,
            message=message,
            remedy="Download the picture yourself and give the file." if reason != "too_large" else None,
        )


def resolve(host: str, port: int) -> list[str]:
    """All addresses the system's resolver knows for ``host``."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def fetch(
    url: str,
    settings: Settings,
    *,
    resolver: Resolver = resolve,
    transport: httpx2.BaseTransport | None = None,
) -> bytes | Problem:
    """The body found at ``url``, at most ``settings.max_bytes`` in ``settings.fetch_seconds``. Never raises.

    ``resolver`` and ``transport`` are there for tests; the transport receives URLs whose host is the vetted
    address. The problem's reason is ``fetch_refused`` when a rule forbids the URL, ``fetch_failed`` when the
    other side did not deliver, ``too_large`` when it delivered too much.
    """
    return _within(
        settings.fetch_seconds, transport, lambda line, deadline: _follow(url, settings, resolver, line, deadline)
    )


def post(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    *,
    seconds: float,
    resolver: Resolver = resolve,
    transport: httpx2.BaseTransport | None = None,
) -> int | Problem:
    """Send ``body`` to ``url`` under the rules of ``fetch``; the status of the answer, or why there is none.

    Never raises. Redirects are not followed, and the body of the answer is not read.
    """

    def send(line: httpx2.BaseTransport, deadline: float) -> int:
        response = _send(_vet(_parse(url), resolver), line, deadline, "POST", headers, body)
        response.close()
        return response.status_code

    return _within(seconds, transport, send)


def url_refusal(url: str) -> str | None:
    """Why a URL can never be fetched or sent to, or None. Its name is not resolved."""
    try:
        host = _parse(url).raw_host.decode("ascii").lower()
    except _Rejected as error:
        return error.problem.message
    words = host_refusal(host)
    return None if words is None else f"The host {clean(host, 60)!r} is refused: {words}."


def _within(
    seconds: float, transport: httpx2.BaseTransport | None, work: Callable[[httpx2.BaseTransport, float], T]
) -> T | Problem:
    """What ``work`` returns, given a transport and a deadline, or the problem that ended it."""
    answer: Future[T] = Future()
    line = transport or httpx2.HTTPTransport(verify=ssl.create_default_context(), trust_env=False)
    deadline = time.monotonic() + seconds

    def errand() -> None:
        try:
            answer.set_result(work(line, deadline))
        except BaseException as error:
            answer.set_exception(error)

    # Resolvers have no time limit and a server may send headers endlessly slowly, so one clock runs over everything.
    threading.Thread(target=errand, name="faceagent-fetch", daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except _Rejected as error:
        return error.problem
    except TimeoutError:
        return _Rejected("fetch_failed", f"It took longer than {seconds:g} seconds.").problem
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        return _Rejected("fetch_failed", f"The server could not be read ({type(error).__name__}).").problem
    finally:
        # Also ends a download from a server that still sends slowly.
        line.close()


def _follow(
    url: str, settings: Settings, resolver: Resolver, transport: httpx2.BaseTransport, deadline: float
) -> bytes:
    here = _parse(url)
    for _ in range(settings.fetch_redirects + 1):
        target = _vet(here, resolver)
        found = _get(target, settings.max_bytes, transport, deadline)
        if isinstance(found, bytes):
            return found
        there = _parse(str(here.join(found)))
        if here.scheme == "https" and there.scheme == "http":
            raise _Rejected("fetch_refused", "It redirects from https to http.")
        here = there
    raise _Rejected("fetch_refused", f"It redirects more than {settings.fetch_redirects} times.")


def _parse(url: str) -> httpx2.URL:
    if any(mark.isspace() or mark == "\\" for mark in url):
        raise _Rejected("fetch_refused", "The URL holds characters that URLs do not have.")
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise _Rejected("fetch_refused", "This is not a URL.") from None
    if parsed.scheme not in _DEFAULT_PORTS:
        raise _Rejected("fetch_refused", f"Only http and https are fetched, not {clean(parsed.scheme, 20)}.")
    if parsed.userinfo:
        raise _Rejected("fetch_refused", "URLs with a user name or password are not fetched.")
    if parsed.port is not None and parsed.port not in PORTS:
        raise _Rejected("fetch_refused", f"Port {parsed.port} is not a web port.")
    return parsed


def _vet(url: httpx2.URL, resolver: Resolver) -> _Target:
    host = url.raw_host.decode("ascii").lower()
    words = host_refusal(host)
    if words is not None:
        raise _Rejected("fetch_refused", f"The host {clean(host, 60)!r} is refused: {words}.")
    if literal_address(host) is not None:
        return _Target(url, host, (host,))
    try:
        found = resolver(host, url.port or _DEFAULT_PORTS[url.scheme])
    except (OSError, UnicodeError):
        found = ()
    if not found:
        raise _Rejected("fetch_failed", f"The name {clean(host, 60)!r} has no address.")
    for text in found:
        # One private address among public ones is typical of DNS rebinding, so one is enough to refuse.
        refusal = address_refusal(ipaddress.ip_address(text))
        if refusal is not None:
            raise _Rejected("fetch_refused", f"The name {clean(host, 60)!r} leads to {refusal}.")
    return _Target(url, host, tuple(dict.fromkeys(found))[:_TRIES])


def _get(target: _Target, limit: int, transport: httpx2.BaseTransport, deadline: float) -> bytes | str:
    """The body, or the place it has moved to."""
    response = _send(target, transport, deadline)
    try:
        if response.status_code in _MOVED and "location" in response.headers:
            return response.headers["location"]
        if response.status_code != 200:
            raise _Rejected("fetch_failed", f"The server answered {response.status_code}.")
        if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
            raise _Rejected("fetch_failed", "The server compressed what was asked for plain.")
        return _body(response, limit, deadline)
    finally:
        response.close()


def _send(
    target: _Target,
    transport: httpx2.BaseTransport,
    deadline: float,
    method: Literal["GET", "POST"] = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
) -> httpx2.Response:
    host = f"[{target.host}]" if ":" in target.host else target.host
    for address in target.addresses:
        patience = max(0.001, min(_SILENCE, deadline - time.monotonic()))
        request = httpx2.Request(
            method,
            target.url.copy_with(host=address, fragment=None),
            headers={
                "Host": host if target.url.port is None else f"{host}:{target.url.port}",
                "Accept": "image/*",
                "Accept-Encoding": "identity",
                "User-Agent": "faceagent",
                "Connection": "close",
                **(headers or {}),
            },
            content=body or None,
            extensions={
                "timeout": dict.fromkeys(("connect", "read", "write", "pool"), patience),
                "sni_hostname": target.host,
            },
        )
        try:
            return transport.handle_request(request)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue
    raise _Rejected("fetch_failed", f"Nobody answers at {clean(target.host, 60)!r}.")


def _body(response: httpx2.Response, limit: int, deadline: float) -> bytes:
    words = f"It has more than {limit:,} bytes."
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > limit:
        raise _Rejected("too_large", words)
    body = bytearray()
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > limit:
            raise _Rejected("too_large", words)
        if time.monotonic() > deadline:
            raise TimeoutError
    return bytes(body)

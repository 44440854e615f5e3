import socket
import threading
import time
from collections.abc import Callable, Iterator

import httpx2
import pytest

from faceagent.intake import fetch as room
from faceagent.intake.fetch import fetch
from faceagent.settings import Settings
from faceagent.types import Problem

PUBLIC = "93.184.215.14"
QUICK = Settings(fetch_seconds=1.0, fetch_redirects=2, max_bytes=1000)
Answer = Callable[[httpx2.Request], httpx2.Response]


def get(url: str, answer: Answer, *, addresses: tuple[str, ...] = (PUBLIC,)) -> bytes | Problem:
    return fetch(url, QUICK, resolver=lambda host, port: addresses, transport=httpx2.MockTransport(answer))


def problem_of(url: str, answer: Answer, **more: tuple[str, ...]) -> Problem:
    found = get(url, answer, **more)
    assert isinstance(found, Problem), found
    return found


def ok(request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(200, content=iter([b"pic", b"ture"]))


def test_the_connection_goes_to_the_vetted_address_under_the_hosts_name() -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return ok(request)

    assert get("https://Bücher.example:8443/a%20b.png?size=1#part", answer) == b"picture"
    (request,) = seen
    assert str(request.url) == f"https://{PUBLIC}:8443/a%20b.png?size=1"
    assert request.headers["host"] == "xn--bcher-kva.example:8443"
    assert request.extensions["sni_hostname"] == "xn--bcher-kva.example"
    assert request.headers["accept-encoding"] == "identity"
    assert not {"cookie", "authorization", "referer"} & set(request.headers)


def test_a_name_is_resolved_once_per_hop() -> None:
    asked: list[str] = []

    def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC]

    assert fetch("http://a.example/", QUICK, resolver=resolver, transport=httpx2.MockTransport(ok)) == b"picture"
    assert asked == ["a.example"]


def test_the_next_address_is_tried_when_one_is_dead() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "2606:2800:220:1::1":
            raise httpx2.ConnectError("no route")
        return ok(request)

    assert get("http://a.example/", answer, addresses=("2606:2800:220:1::1", PUBLIC)) == b"picture"
    assert problem_of("http://a.example/", answer, addresses=("2606:2800:220:1::1",)).reason == "fetch_failed"


def test_redirects_are_followed_up_to_the_cap() -> None:
    def hop(request: httpx2.Request) -> httpx2.Response:
        left = int(request.url.path.strip("/"))
        return ok(request) if left == 0 else httpx2.Response(302, headers={"location": f"/{left - 1}"})

    assert get("http://a.example/2", hop) == b"picture"
    assert problem_of("http://a.example/3", hop).reason == "fetch_refused"


def test_cookies_are_not_carried_over() -> None:
    seen: list[str | None] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.headers.get("cookie"))
        if request.url.path == "/":
            return httpx2.Response(302, headers={"location": "/next", "set-cookie": "id=1"})
        return ok(request)

    assert get("http://a.example/", answer) == b"picture"
    assert seen == [None, None]


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (httpx2.Response(404), "fetch_failed"),
        (httpx2.Response(302), "fetch_failed"),
        (httpx2.Response(204), "fetch_failed"),
        (httpx2.Response(200, headers={"content-encoding": "gzip"}, content=b""), "fetch_failed"),
        (httpx2.Response(200, headers={"content-length": "1001"}, content=b""), "too_large"),
        (httpx2.Response(200, content=iter([b"x" * 1001])), "too_large"),
        (httpx2.Response(302, headers={"location": "http://[broken"}), "fetch_refused"),
    ],
)
def test_what_the_server_does_wrong_is_a_reason(response: httpx2.Response, reason: str) -> None:
    assert problem_of("http://a.example/", lambda request: response).reason == reason


def test_a_body_without_end_is_cut_off() -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 100

    assert problem_of("http://a.example/", lambda _: httpx2.Response(200, content=endless())).reason == "too_large"


def test_a_name_without_address_and_a_resolver_that_hangs() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror("no such name")

    def hangs(host: str, port: int) -> list[str]:
        time.sleep(2)
        return [PUBLIC]

    for resolver in (unknown, hangs):
        started = time.monotonic()
        settings = Settings(fetch_seconds=0.2)
        found = fetch("http://a.example/", settings, resolver=resolver, transport=httpx2.MockTransport(ok))
        assert isinstance(found, Problem) and found.reason == "fetch_failed"
        assert time.monotonic() - started < 1.5


@pytest.fixture
def server() -> Iterator[Callable[[Callable[[socket.socket], None]], int]]:
    """Start a server on this machine that treats each connection as told; gives its port."""
    listeners: list[socket.socket] = []

    def start(talk: Callable[[socket.socket], None]) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                with line:
                    line.recv(4096)
                    try:
                        talk(line)
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.close()


def over_the_wire(port: int, monkeypatch: pytest.MonkeyPatch, seconds: float = 5.0) -> bytes | Problem:
    # Only the rules about addresses and ports are lifted, so that the real transport meets a real socket.
    monkeypatch.setattr(room, "address_refusal", lambda address: None)
    monkeypatch.setattr(room, "PORTS", {port})
    settings = Settings(fetch_seconds=seconds, max_bytes=1000)
    return fetch(f"http://a.example:{port}/", settings, resolver=lambda host, at: ["127.0.0.1"])


def test_a_real_connection(server: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    port = server(lambda line: line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npicture"))
    assert over_the_wire(port, monkeypatch) == b"picture"


def test_a_server_that_drips_headers_for_ever_meets_the_time_limit(
    server: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(line: socket.socket) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            line.sendall(b"X: y\r\n")
            time.sleep(0.05)

    started = time.monotonic()
    found = over_the_wire(server(drip), monkeypatch, seconds=0.5)
    assert isinstance(found, Problem) and found.reason == "fetch_failed"
    assert time.monotonic() - started < 3


def test_a_server_that_talks_nonsense(server: Callable[..., int], monkeypatch: pytest.MonkeyPatch) -> None:
    found = over_the_wire(server(lambda line: line.sendall(b"\x00\xff nonsense\r\n\r\n")), monkeypatch)
    assert isinstance(found, Problem) and found.reason == "fetch_failed"

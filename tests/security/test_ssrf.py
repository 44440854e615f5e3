"""Nobody can make this machine fetch what only this machine can reach."""

import ipaddress

import httpx2
import pytest

from faceagent.intake import MemoryBlobs, expand, take
from faceagent.intake.addresses import address_refusal
from faceagent.intake.fetch import fetch
from faceagent.settings import Settings
from faceagent.types import Problem

PUBLIC = "93.184.215.14"
SETTINGS = Settings(fetch_seconds=2.0)


def unreachable(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"a connection was made to {request.url}")


def refused(url: str, *addresses: str) -> bool:
    found = fetch(
        url, SETTINGS, resolver=lambda host, port: addresses or [PUBLIC], transport=httpx2.MockTransport(unreachable)
    )
    return isinstance(found, Problem) and found.reason == "fetch_refused"


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254",  # noqa: S104
        "168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.8", "192.0.2.1", "192.88.99.1",
        "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1",
        "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1", "100::1",
        "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:20::1", "2001:db8::1", "2002:7f00:1::",
        "2002:a9fe:a9fe::1", "2002:808:808::1", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd12:3456::1",
        "fe80::1", "fe80::1%1", "fec0::1", "ff02::1", "4000::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public_are_refused(address: str) -> None:
    assert address_refusal(ipaddress.ip_address(address))
    assert refused("http://innocent.example/", address)
    assert refused("http://innocent.example/", PUBLIC, address)
    host = f"[{address.replace('%', '%25')}]" if ":" in address else address
    assert refused(f"http://{host}/")


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "172.32.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"])
def test_public_addresses_are_not(address: str) -> None:
    assert address_refusal(ipaddress.ip_address(address)) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/",
        "http://017700000001/", "http://0/", "http://127.0.0.1./", "http://0x8.8.8.8/", "http://134744072/",
        "http://1.2.3.4.5/", "http://a.example.1/", "http://①②⑦.⓪.⓪.①/", "http://127。0。0。1/",
        "http://localhost/", "http://LOCALHOST./", "http://a.localhost/", "http://metadata.google.internal/",
        "http://printer.local/", "http://[::1]/", "http://[::ffff:7f00:1]/", "http://[::1%25lo]/", "http:///etc/passwd",
        "http://user@a.example/", "http://user:pass@a.example/", "http://a.example@127.0.0.1/", "http://:@a.example/",
        "http://a.example\\@127.0.0.1/", "http://a.example /", "http://a.example\t/", "http://a.example\r\nX: y/",
        "http://a.example\x00/", "http://exa%6dple.org%2f@127.0.0.1/", "http://a..example/", "http://-/", "http://",
        "http://a.example:22/", "http://a.example:0/", "http://a.example:6379/", "http://a.example:99999/",
        "http://a.example:9200/", "ftp://a.example/x.jpg", "file:///etc/passwd", "gopher://a.example/1",
        "javascript://a.example/%0aalert(1)", "HTTP+UNIX://a/", "ldap://a.example/", "jar:http://a.example!/",
    ],
)  # fmt: skip
def test_urls_that_mean_something_else_are_refused(url: str) -> None:
    assert refused(url)


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("http://169.254.169.254/latest/meta-data/", "fetch_refused"),
        ("http://localhost/", "fetch_refused"),
        ("//[::1]/", "fetch_refused"),
        ("file:///etc/passwd", "fetch_refused"),
        ("http://user@b.example/", "fetch_refused"),
        ("https://b.example:22/", "fetch_refused"),
        ("http://rebound.example/", "fetch_refused"),
        ("http://a.example/fine", "fetch_refused"),
        ("https://a.example/fine", None),
    ],
)
def test_a_redirect_passes_the_same_checks(location: str, expected: str | None) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        assert request.url.host == PUBLIC
        if request.url.path == "/fine":
            return httpx2.Response(200, content=iter([b"pic", b"ture"]))
        return httpx2.Response(302, headers={"location": location})

    names = {"a.example": [PUBLIC], "b.example": [PUBLIC], "rebound.example": ["127.0.0.1"]}
    found = fetch(
        "https://a.example/", SETTINGS, resolver=lambda host, port: names[host], transport=httpx2.MockTransport(answer)
    )
    assert (found.reason if isinstance(found, Problem) else None) == expected


def test_a_name_that_changes_its_mind_is_not_asked_twice() -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    seen: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request.url.host)
        return httpx2.Response(200, content=iter([b"pic", b"ture"]))

    transport = httpx2.MockTransport(answer)
    assert fetch("http://a.example/", SETTINGS, resolver=lambda host, port: next(answers), transport=transport)
    assert seen == [PUBLIC]


def test_refusals_reach_the_caller_as_a_problem_of_that_item() -> None:
    blobs = MemoryBlobs()
    for url in ("http://127.0.0.1/x.jpg", "file:///etc/passwd", "http://[::1]/"):
        (source,) = expand([url], blobs)
        found = take(source, blobs, SETTINGS)
        assert isinstance(found, Problem) and found.reason == "fetch_refused" and found.remedy

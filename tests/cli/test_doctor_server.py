"""What doctor says about a service: absent, of another version, not ready, with a wrong key, well."""

from collections.abc import Callable
from functools import partial

import httpx2
import pytest

from faceagent.cli import doctor_server
from faceagent.cli.doctor_server import examine_server
from faceagent.client import Client
from faceagent.version import __version__

Serve = Callable[..., dict[str, tuple[str, str, str | None]]]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> Serve:
    """What is found where the service answers so, by path."""

    def examine(**answers: httpx2.Response | Exception) -> dict[str, tuple[str, str, str | None]]:
        def answer(request: httpx2.Request) -> httpx2.Response:
            one = answers.get(request.url.path.rpartition("/")[2], httpx2.Response(404))
            if isinstance(one, Exception):
                raise one
            return one

        monkeypatch.setattr(doctor_server, "Client", partial(Client, transport=httpx2.MockTransport(answer)))
        return {one.what: (one.state, one.found, one.remedy) for one in examine_server("http://service.test")}

    return examine


def health(version: str = __version__) -> httpx2.Response:
    return httpx2.Response(200, json={"status": "ok", "version": version})


def ready() -> httpx2.Response:
    return httpx2.Response(200, json={"status": "ready", "open_items": 3})


def refused(status: int) -> httpx2.Response:
    body = {"error": {"code": "x", "message": "This API key is not valid.", "details": []}, "request_id": "r"}
    return httpx2.Response(status, json=body)


def test_nobody_answers(found: Serve) -> None:
    state, words, remedy = found(healthz=httpx2.ConnectError("no"))["service"]
    assert (
        state == "missing" and "cannot be reached" in words and remedy is not None and "FACEAGENT_SERVICE_URL" in remedy
    )


def test_all_is_well(found: Serve) -> None:
    lines = found(healthz=health(), readyz=ready(), tools=httpx2.Response(200, json={"tools": []}))
    assert {state for state, _, _ in lines.values()} <= {"ok", "optional"}
    assert lines["service is ready"][1].startswith("3 pictures") and lines["key"][1] == "valid; 0 tools"


def test_another_version_not_ready_and_no_key(found: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = {"healthz": health("0.0.1"), "readyz": refused(503), "tools": refused(401)}
    lines = found(**answers)
    assert lines["service"][0] == "optional" and "0.0.1" in lines["service"][1]
    assert lines["service is ready"][0] == "missing"
    assert lines["key"][0] == "optional" and lines["key"][2] is not None and "FACEAGENT_SERVICE_KEY" in lines["key"][2]
    monkeypatch.setenv("FACEAGENT_SERVICE_KEY", "fa_wrong")
    assert found(**answers)["key"][0] == "missing"

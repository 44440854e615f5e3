"""What the client sends and what it makes of answers: streamed uploads, retries, errors. Nothing reaches a network."""

import asyncio
import inspect
import io
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from faceagent.client import AsyncClient, Client, ServiceError
from faceagent.client import synchronous as module
from faceagent.client.pictures import Body
from faceagent.errors import InputError

JOB = {"id": "job_1", "state": "queued", "created": 1.0, "expires": 2.0, "total": 2, "counts": {"queued": 2}}
Answer = httpx2.Response | Exception
Connect = Callable[..., Client]


class Scripted:
    """A service that gives these answers in turn, and keeps what it was sent."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.requests, self.bodies = list(answers), list[httpx2.Request](), list[bytes]()

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        self.bodies.append(request.read())
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    found: list[float] = []
    monkeypatch.setattr(module.time, "sleep", found.append)
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    yield found


def client_of(script: Scripted, **options: Any) -> Client:
    return Client("http://service.test", "fa_secret", transport=httpx2.MockTransport(script), **options)


def failure(status: int, code: str = "unavailable", **headers: str) -> httpx2.Response:
    body = {"error": {"code": code, "message": "Not now.", "details": []}, "request_id": "r1"}
    return httpx2.Response(status, json=body, headers=headers)


def test_importing_the_client_brings_no_model_no_torch_and_no_service_along() -> None:
    code = (
        "import sys, faceagent.client\n"
        "heavy = {'torch', 'transformers', 'langgraph', 'onnxruntime', 'cv2', 'numpy', 'fastapi', 'mcp'}\n"
        "ours = {'agent', 'tools', 'intake', 'serve', 'storage', 'weights', 'router', 'report', 'judge'}\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] in heavy\n"
        "      or name.startswith('faceagent.') and name.split('.')[1] in ours))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_both_clients_have_the_same_methods_with_the_same_arguments() -> None:
    def methods(kind: type) -> dict[str, str]:
        found = inspect.getmembers(kind, inspect.isfunction)
        return {name: str(inspect.signature(one)).partition(" ->")[0] for name, one in found if name[0] != "_"}

    assert methods(Client) == methods(AsyncClient)


def test_a_file_goes_out_in_pieces_and_is_opened_anew_for_every_try(tmp_path: Path, pauses: list[float]) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8" + b"x" * 500_000)
    script = Scripted(failure(503), httpx2.Response(202, json=JOB))
    with client_of(script) as client:
        job = client.submit([path, ("b.png", b"bytes"), "http://pictures.test/c.png"], questions=["quality", "age"])
    assert job.total == 2 and len(pauses) == 1
    first, again = script.bodies
    assert path.read_bytes() in first and b'filename="photo.jpg"' in first and b'filename="b.png"' in first
    # Another boundary, the same parts.
    assert len(again) == len(first) and path.read_bytes() in again
    assert b"http://pictures.test/c.png" in first and first.count(b'name="questions"') == 2
    assert script.requests[0].headers["idempotency-key"] == script.requests[1].headers["idempotency-key"]
    assert script.requests[0].headers["authorization"] == "Bearer fa_secret"


def test_a_url_alone_is_sent_as_json_and_a_data_url_as_a_file() -> None:
    script = Scripted(failure(422), failure(422))
    with client_of(script) as client:
        for picture in ("https://pictures.test/a.jpg", "data:image/png;base64,aGVsbG8="):
            with pytest.raises(ServiceError):
                client.analyze(picture, keep=True)
    assert script.bodies[0] == b'{"keep":true,"url":"https://pictures.test/a.jpg"}'
    assert b"hello" in script.bodies[1] and b"base64" not in script.bodies[1] and b"true" in script.bodies[1]


@pytest.mark.parametrize(
    ("answers", "tries"),
    [
        ([failure(429, **{"retry-after": "3"})], [3.5]),
        ([failure(503), failure(503), failure(503)], [0.5, 1.0, 2.0]),
        ([httpx2.ConnectError("no"), httpx2.ConnectTimeout("no")], [0.5, 1.0]),
    ],
)
def test_what_was_surely_not_done_is_sent_again_after_a_pause(
    answers: list[Answer], tries: list[float], pauses: list[float]
) -> None:
    script = Scripted(*answers, httpx2.Response(201, json={"name": "p", "version": 1, "document": {}}))
    with client_of(script) as client:
        assert client.put_policy("p", "rules: []").version == 1
    assert pauses == tries


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (httpx2.ReadError("cut"), "unreachable"),
        (httpx2.ReadTimeout("slow"), "timed_out"),
        (failure(500), "unavailable"),
    ],
)
def test_what_may_have_been_done_is_sent_again_only_where_that_is_harmless(
    first: Answer, code: str, pauses: list[float]
) -> None:
    with client_of(Scripted(first, httpx2.Response(200, json=JOB))) as client:
        assert client.job("job_1").state == "queued"
    with client_of(Scripted(first, httpx2.Response(202, json=JOB))) as client:
        assert client.submit([b"x"]).id == "job_1"
    script = Scripted(first)
    with client_of(script) as client, pytest.raises(ServiceError) as caught:
        client.analyze(b"x")
    assert caught.value.code == code and len(script.requests) == 1


def test_a_stream_that_cannot_be_rewound_is_sent_once(pauses: list[float]) -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    script = Scripted(failure(503))
    with client_of(script) as client, pytest.raises(ServiceError):
        client.submit([Pipe(b"x")])
    assert pauses == [] and Body({}, [("image", io.BytesIO(b"x"))]).repeatable


def test_tries_end_and_a_long_retry_after_is_given_to_the_caller(pauses: list[float]) -> None:
    with client_of(Scripted(*[failure(503) for _ in range(3)]), retries=2) as client, pytest.raises(ServiceError):
        client.tools()
    assert len(pauses) == 2
    with client_of(Scripted(failure(429, **{"retry-after": "86400"}))) as client, pytest.raises(ServiceError) as caught:
        client.tools()
    assert caught.value.retry_after == 86400 and len(pauses) == 2


def test_an_error_carries_everything_that_the_service_said() -> None:
    body = {
        "error": {
            "code": "unprocessable",
            "message": "Not valid.",
            "details": [{"field": "body.questions.0", "message": "unknown"}],
        },
        "request_id": "abc",
    }
    with client_of(Scripted(httpx2.Response(422, json=body))) as client, pytest.raises(ServiceError) as caught:
        client.analyze(b"x", questions=["x"])
    error = caught.value
    assert (error.code, error.status, error.request_id) == ("unprocessable", 422, "abc")
    assert error.details == (("body.questions.0", "unknown"),) and str(error) == "Not valid."


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(502, text="<html>Bad Gateway</html>"),
        httpx2.Response(404, json=["x"]),
        httpx2.Response(200, text="<html>"),
        httpx2.Response(200, json={"id": 1}),
        httpx2.Response(301, headers={"location": "http://elsewhere.test"}),
    ],
)
def test_whatever_another_server_answers_is_an_error_that_says_so(answer: httpx2.Response, pauses: list[float]) -> None:
    with client_of(Scripted(answer), retries=0) as client, pytest.raises(ServiceError) as caught:
        client.job("../x?y")
    assert caught.value.code == "not_understood"


def test_ids_never_leave_their_place_in_the_path() -> None:
    script = Scripted(failure(404))
    with client_of(script) as client, pytest.raises(ServiceError):
        client.heat_map("../keys", "F1:a/b?c#d")
    assert script.requests[0].url.raw_path == b"/v1/cases/..%2Fkeys/heatmaps/F1%3Aa%2Fb%3Fc%23d"


def test_a_newer_service_may_send_more_fields() -> None:
    with client_of(Scripted(httpx2.Response(200, json={**JOB, "colour": "red"}))) as client:
        assert client.job("job_1").id == "job_1"


def test_pages_are_gone_through(pauses: list[float]) -> None:
    item = {"number": 0, "name": "a", "state": "done", "case_id": "c"}
    pages = [{"items": [item], "next": 1}, {"items": [{**item, "number": 1}], "next": None}]
    with client_of(Scripted(*[httpx2.Response(200, json=page) for page in pages])) as client:
        assert [one.number for one in client.items("job_1")] == [0, 1]


def test_waiting_ends_with_the_job_or_with_the_time(
    pauses: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = {**JOB, "state": "done", "counts": {"done": 2}, "finished": 2.0}
    with client_of(Scripted(httpx2.Response(200, json=JOB), httpx2.Response(200, json=done))) as client:
        assert client.wait("job_1").over
    assert len(pauses) == 1 and capsys.readouterr().out == ""
    with client_of(Scripted(httpx2.Response(200, json=JOB))) as client, pytest.raises(ServiceError) as caught:
        client.wait("job_1", progress=False, seconds=0)
    assert caught.value.code == "timed_out" and "0 of 2" in caught.value.message


@pytest.mark.parametrize("url", ["ftp://x", "service.test", "http://user:pass@service.test", "http://", "\0"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        Client(url)


def test_address_and_key_come_from_the_environment_and_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEAGENT_SERVICE_URL", "http://other.test/base/")
    monkeypatch.setenv("FACEAGENT_SERVICE_KEY", "fa_other")
    script = Scripted(failure(401, "unauthorized"))
    with Client(transport=httpx2.MockTransport(script)) as client, pytest.raises(ServiceError) as caught:
        client.tools()
    assert str(script.requests[0].url) == "http://other.test/base/v1/tools"
    assert script.requests[0].headers["authorization"] == "Bearer fa_other"
    assert "fa_other" not in repr(client) + repr(caught.value) + str(caught.value)
    with pytest.raises(InputError):
        Client(key="fa_\n")


def test_a_file_that_is_not_there_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    script = Scripted()
    with client_of(script) as client:
        for picture in (tmp_path / "gone.jpg", str(tmp_path), "a\0b", "data:image/png,x", "data:;base64,???"):
            with pytest.raises(InputError):
                client.analyze(picture)
    assert script.requests == []


def test_the_asynchronous_client_does_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"y" * 100_000)
    done = {**JOB, "state": "done", "counts": {"done": 2}}
    entries = {
        "cases": [{"case_id": "c", "created": 1.0, "expires": 2.0, "etag": "e", "name": "a.png", "status": "analysed"}],
        "next": None,
    }
    script = Scripted(
        failure(503, **{"retry-after": "0"}),
        httpx2.Response(202, json=JOB),
        httpx2.Response(200, json=done),
        httpx2.Response(200, json=entries),
    )
    monkeypatch.setattr("random.uniform", lambda low, high: 0.0)

    async def main() -> Any:
        async with AsyncClient("http://service.test", "k", transport=httpx2.MockTransport(script)) as client:
            job = await client.submit([path])
            return await client.wait(job, progress=False), [one.case_id async for one in client.cases()]

    job, cases = asyncio.run(main())
    assert job.state == "done" and cases == ["c"] and b"y" * 100_000 in script.bodies[1]

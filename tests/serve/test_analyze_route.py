"""``POST /v1/analyze``: the three ways in, what is wrong with a request, and what is not."""

import asyncio
import base64
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_service import Server, picture_bytes

from faceagent.storage.database import engine

PNG = picture_bytes()


def test_form_json_and_data_url_give_the_same_report(server: Server) -> None:
    text = base64.b64encode(PNG).decode()
    answers = [
        server.analyse(PNG, questions="forgery"),
        server.post("/v1/analyze", json={"image": text, "questions": ["forgery"], "name": "a.png"}),
        server.post(
            "/v1/analyze",
            json={"image": f"data:image/png;base64,{text}", "questions": ["forgery"], "name": "a.png"},
        ),
    ]
    assert [one.status_code for one in answers] == [200, 200, 200]
    reports = [one.json()["report"] for one in answers]
    assert reports[0]["source"] == "a.png" == reports[0]["picture"]["source"]
    assert reports[0] == reports[1] == reports[2]


def test_a_large_picture_in_base64_arrives_whole(server: Server) -> None:
    large = PNG + bytes(600_000)
    sent = {"image": base64.b64encode(large).decode(), "references": [base64.b64encode(large).decode()]}
    report = server.post("/v1/analyze", json=sent).json()["report"]
    assert report["picture"]["bytes"] == len(large)
    broken = server.post("/v1/analyze", json={**sent, "references": ["@" * 600_000]})
    assert broken.json()["error"]["details"][0]["field"] == "body.references.0"


def test_what_is_no_picture_is_an_answer(server: Server) -> None:
    answer = server.analyse(b"hello")
    assert answer.status_code == 200
    assert answer.json()["report"]["problem"]["reason"] == "unsupported_format"


@pytest.mark.parametrize(
    ("request_", "status", "code", "field"),
    [
        ({"json": {}}, 422, "unprocessable", "body.image"),
        ({"json": {"image": "@@@"}}, 422, "unprocessable", "body.image"),
        ({"json": {"image": "QUJD", "questions": ["mood"]}}, 422, "unprocessable", "questions.0"),
        ({"json": {"image": "QUJD", "purpose": "fun"}}, 422, "unprocessable", "purpose"),
        ({"json": {"image": "QUJD", "colour": "red"}}, 422, "unprocessable", "colour"),
        ({"json": {"url": "http://127.0.0.1/a.png"}}, 422, "fetch_refused", "body.url"),
        ({"json": {"url": "file:///etc/passwd"}}, 422, "fetch_refused", "body.url"),
        ({"json": {"image": "QUJD", "url": "http://example.com/a.png"}}, 422, "unprocessable", "body.image"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 422, "unprocessable", "body"),
        ({"content": b"GIF89a", "headers": {"content-type": "image/gif"}}, 415, "unsupported_media_type", None),
        ({"content": b"--x", "headers": {"content-type": "multipart/form-data"}}, 400, "bad_request", None),
        ({"json": {"image": base64.b64encode(b"broken request").decode()}}, 400, "bad_request", None),
        (
            {"json": {"image": "QUJD", "questions": ["expression"], "purpose": "workplace"}},
            403,
            "policy_refusal",
            None,
        ),
    ],
)
def test_a_broken_request_is_told_with_its_field(
    server: Server, request_: dict[str, object], status: int, code: str, field: str | None
) -> None:
    answer = server.post("/v1/analyze", **request_)
    body = answer.json()
    assert (answer.status_code, body["error"]["code"]) == (status, code)
    assert body["request_id"] == answer.headers["x-request-id"]
    if field is not None:
        assert field in [one["field"] for one in body["error"]["details"]]


def test_a_body_beyond_the_limit_is_refused_before_it_is_read(serve: Callable[..., Server]) -> None:
    server = serve(max_request_bytes=2000)
    declared = server.analyse(bytes(5000))
    assert (declared.status_code, declared.json()["error"]["code"]) == (413, "too_large")

    def chunks() -> object:
        for _ in range(50):
            yield b"x" * 100

    headers = {"content-type": "application/json"}
    undeclared = server.post("/v1/analyze", content=chunks(), headers=headers)
    assert undeclared.status_code == 413
    assert server.analyst.batches == []


def test_only_pictures_may_be_large(server: Server) -> None:
    assert server.post("/v1/feedback", content=b"x" * 2_000_000).status_code == 413
    assert server.analyse(b"x" * 2_000_000).status_code == 200


@pytest.mark.parametrize(("gone", "status"), [(False, 408), (True, 400)])
def test_an_upload_that_is_slow_or_given_up_ends(serve: Callable[..., Server], gone: bool, status: int) -> None:
    server = serve(upload_seconds=0.05)

    async def ask() -> int:
        sent: list[dict[str, object]] = []
        headers = [
            (b"authorization", server.headers()["Authorization"].encode()),
            (b"content-type", b"application/json"),
        ]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/analyze",
            "raw_path": b"/v1/analyze",
            "query_string": b"",
        }

        async def receive() -> dict[str, object]:
            if gone:
                return {"type": "http.disconnect"}
            await asyncio.Event().wait()
            return {}

        async def send(message: dict[str, object]) -> None:
            sent.append(message)

        scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "server": ("test", 80), "root_path": ""}
        await server.app({**scope, "client": ("test", 1)}, receive, send)
        return int(str(sent[0]["status"]))

    assert asyncio.run(ask()) == status
    assert server.analyst.batches == []


def test_a_database_that_is_locked_is_a_503(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.05)
    server = serve()
    other = sqlite3.connect(Path(server.service.settings.database) / engine.FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    locked = server.analyse(PNG)
    other.close()
    assert (locked.status_code, locked.json()["error"]["code"]) == (503, "memory_trouble")
    assert locked.headers["retry-after"]
    assert server.analyse(PNG).status_code == 200


def test_a_path_is_never_read(server: Server) -> None:
    for name in ("/etc/passwd", "../../etc/passwd", "a\x00b"):
        answer = server.post("/v1/analyze", files={"image": (name, PNG)})
        assert answer.status_code == 200
        assert "/" not in answer.json()["report"]["source"]
    assert server.post("/v1/analyze", files={"image": (None, "/etc/passwd")}).json()["report"]["problem"]


def test_headers_close_what_a_browser_could_open(server: Server) -> None:
    answer = server.get("/healthz", headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "access-control-allow-origin" not in answer.headers
    preflight = server.client.options("/v1/analyze", headers={"Origin": "https://elsewhere.example"})
    assert preflight.status_code == 401


def test_a_request_id_is_taken_over_where_it_is_one(server: Server) -> None:
    assert server.get("/healthz", headers={"x-request-id": "abc-1"}).headers["x-request-id"] == "abc-1"
    assert server.get("/healthz", headers={"x-request-id": "a b"}).headers["x-request-id"] != "a b"


def test_what_crashes_is_a_500_that_tells_nothing(serve: Callable[..., Server]) -> None:
    server = serve()

    def crash(pictures: object) -> None:
        raise RuntimeError("secret words")

    server.analyst.before = crash
    answer = server.analyse(PNG)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")
    assert "secret" not in answer.text

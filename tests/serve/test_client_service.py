"""Both clients of ``faceagent.client`` against the service's real application, in this process."""

import asyncio
import inspect
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fake_service import FakeAnalyst, Server, picture_bytes

from faceagent.client import AsyncClient, Client, ServiceError, answers, calls
from faceagent.serve.app import create_app
from faceagent.serve.settings import ServiceSettings
from faceagent.settings import Settings
from faceagent.storage.database import api_keys
from faceagent.types import FrozenModel

ROOT = Path(__file__).resolve().parents[2]


def client_of(server: Server, role: str = "submit", **options: Any) -> Client:
    """The real client over the application's own transport."""
    key = server.keys[role].secret
    return Client("http://testserver", key, transport=server.client._transport, retries=0, **options)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with client_of(server) as one:
        yield one


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    path.write_bytes(picture_bytes())
    return path


def test_a_picture_its_case_its_page_its_map_and_its_end(client: Client, photo: Path) -> None:
    made = client.analyze(photo, questions=["forgery", "quality"], keep=False)
    assert made.report.verdicts[0].label == "forged" and made.report.source == "photo.png"
    assert client.case(made.case_id).report == made.report
    assert made.case_id in [one.case_id for one in client.cases()]
    assert "<html" in client.page(made.case_id)
    assert client.pdf(made.case_id).startswith(b"%PDF") and b"payloadType" in client.pdf_signature(made.case_id)
    assert client.heat_map(made.case_id, "F1:forgery").startswith(b"\x89PNG")
    assert client.feedback(made.case_id, "MANIPULATED").label == "MANIPULATED"
    assert client.try_policy(made.case_id, policy="strictest").decision == "block"
    client.delete_case(made.case_id)
    with pytest.raises(ServiceError) as caught:
        client.case(made.case_id)
    assert (caught.value.status, caught.value.code) == (410, "expired") and caught.value.request_id


@pytest.mark.parametrize("kind", ["path", "str", "bytes", "stream", "named", "data URL"])
def test_every_kind_of_picture_arrives(client: Client, photo: Path, kind: str) -> None:
    import base64

    data = photo.read_bytes()
    given: Any = {
        "path": photo,
        "str": str(photo),
        "bytes": data,
        "stream": io.BytesIO(data),
        "named": ("other.png", data),
        "data URL": "data:image/png;base64," + base64.b64encode(data).decode(),
    }[kind]
    report = client.analyze(given, references=[photo]).report
    assert report.picture is not None and report.picture.bytes == len(data)


def test_moderation_and_policies(server: Server, client: Client, photo: Path) -> None:
    with client_of(server, "admin") as admin:
        first = admin.put_policy("shop", "rules: [{when: [forged], then: review, reason: look}]")
        assert (first.name, first.version) == ("shop", 1)
    assert {"strictest", "shop"} <= {one.name for one in client.policies()}
    assert client.policy("shop").document["rules"][0]["then"] == "review"
    found = client.moderate(photo, policy="shop", dry_run=True)
    assert (found.decision, found.reasons, found.case_id) == ("review", ("look",), None)
    assert found.trace[0].met and found.trace[0].subjects == ("F1",)


def test_a_job_from_files_and_archives_to_its_reports(serve: Callable[..., Server], photo: Path) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("inside.png", picture_bytes(91))
    with client_of(serve()) as client:
        policy = "rules: [{when: [forged], then: review}]"
        job = client.submit([photo, ("b.png", picture_bytes(92))], archives=[("a.zip", archive)], document=policy)
        assert job.total == 3
        done = client.wait(job, seconds=60)
        assert done.state == "done" and done.counts == {"done": 3} and done.decisions == {"review": 3}
        assert {one.name for one in client.cases(decision="review", question="forgery", least=0.9)} == {
            *("b.png", "inside.png", "photo.png")
        }
        items = list(client.items(done))
        assert sorted(one.name for one in items) == ["b.png", "inside.png", "photo.png"]
        assert all(client.case(one.case_id or "").report.verdicts for one in items)
        assert client.jobs()[0].id == job.id
        with pytest.raises(ServiceError) as caught:
            client.cancel(job)
        assert caught.value.status == 409


def test_the_same_idempotency_key_makes_one_job(client: Client, photo: Path) -> None:
    first = client.submit([photo], idempotency_key="once")
    assert client.submit([photo], idempotency_key="once").id == first.id
    with pytest.raises(ServiceError) as caught:
        client.submit([picture_bytes(7)], idempotency_key="once")
    assert (caught.value.status, caught.value.code) == (409, "conflict")


def test_tools_health_and_readiness(client: Client, photo: Path) -> None:
    assert "forgery" in {one.name for one in client.tools()}
    found = client.measure("forgery", photo)
    assert found.evidence[0].id == "F1:forgery"
    assert client.health().status == "ok" and client.ready().status == "ready"


@pytest.mark.parametrize(
    ("attempt", "status", "code"),
    [
        (lambda client: client.analyze(b"x", questions=["race"]), 422, "unprocessable"),
        (lambda client: client.analyze(b"x", questions=["expression"], purpose="workplace"), 403, "policy_refusal"),
        (lambda client: client.analyze("http://127.0.0.1/a.png"), 422, "fetch_refused"),
        (lambda client: client.case("case_0"), 404, "not_found"),
        (lambda client: client.measure("mood", b"x"), 404, "not_found"),
        (lambda client: client.put_policy("p", "rules: []"), 403, "forbidden"),
        (lambda client: client.submit([]), 422, "unprocessable"),
    ],
)
def test_every_refusal_is_one_kind_of_error(
    client: Client, attempt: Callable[[Client], Any], status: int, code: str
) -> None:
    with pytest.raises(ServiceError) as caught:
        attempt(client)
    assert (caught.value.status, caught.value.code) == (status, code) and caught.value.request_id


def test_a_wrong_key_and_a_full_minute(serve: Callable[..., Server]) -> None:
    server = serve(rate=1)
    with Client("http://testserver", "fa_wrong", transport=server.client._transport) as stranger:
        with pytest.raises(ServiceError) as caught:
            stranger.tools()
        assert caught.value.status == 401 and "FACEAGENT_SERVICE_KEY" in (caught.value.remedy or "")
    with client_of(server) as client, pytest.raises(ServiceError) as caught:
        for _ in range(3):
            client.tools()
    assert caught.value.status == 429 and 0 < (caught.value.retry_after or 0) <= 60


def test_the_asynchronous_client_does_the_same_job(tmp_path: Path, photo: Path) -> None:
    app = create_app(ServiceSettings(database=str(tmp_path / "s"), poll_seconds=0.05), Settings(workers=1), FakeAnalyst)

    async def main() -> Any:
        async with app.router.lifespan_context(app):
            key = api_keys.create_key(app.state.service.database, "a", "submit").secret
            async with AsyncClient("http://testserver", key, transport=httpx2.ASGITransport(app)) as client:
                made = await client.analyze(photo)
                job = await client.wait(await client.submit([photo, picture_bytes(5)]), progress=False, seconds=60)
                items = [one async for one in client.items(job)]
                return made, job, items, [one.case_id async for one in client.cases()]

    made, job, items, cases = asyncio.run(main())
    assert made.report.verdicts and job.state == "done" and len(items) == 2 and len(cases) == 3


OPENAPI = {
    "StoredPolicy": answers.Policy,
    "PolicyList": answers.PolicyPage,
    "ToolList": answers.ToolPage,
    "Health": answers.Health,
    "Readiness": answers.Readiness,
}


@pytest.mark.parametrize("name", OPENAPI)
def test_the_clients_types_have_the_fields_of_the_openapi_document(name: str) -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    described = document["components"]["schemas"][name]["properties"]
    ours: type[FrozenModel] = OPENAPI[name]
    assert set(ours.model_fields) == set(described)


def test_the_client_sends_every_request_that_is_described() -> None:
    described = {
        name
        for name, one in vars(calls).items()
        if inspect.isfunction(one) and one.__module__ == calls.__name__ and name[0] != "_" and name != "options"
    }
    assert described <= set(dir(Client)) and described <= set(dir(AsyncClient))


def test_every_path_of_the_client_is_one_of_the_service() -> None:
    document = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
    made = [
        calls.analyze(b""),
        calls.moderate(b""),
        calls.measure("t", b""),
        calls.submit(),
        calls.job("j"),
        calls.jobs(),
        calls.items("j").page(None),
        calls.cancel("j"),
        calls.case("c"),
        calls.cases().page(None),
        calls.page("c"),
        calls.pdf("c"),
        calls.pdf_signature("c"),
        calls.heat_map("c", "e"),
        calls.delete_case("c"),
        calls.feedback("c", "REAL"),
        calls.policies(),
        calls.policy("p"),
        calls.put_policy("p", ""),
        calls.try_policy("c"),
        calls.tools(),
        calls.health(),
        calls.ready(),
    ]
    names = {"j": "{job_id}", "c": "{case_id}", "e": "{evidence_id}", "p": "{name}", "t": "{name}"}
    for call in made:
        path = "/".join(names.get(part, part) for part in call.path.split("/"))
        assert call.method.lower() in document["paths"].get(path, {}), (call.method, path)

"""Jobs: every way in, states, repeats, cancelling, ZIP files that mean harm, and several workers at a time."""

import io
import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from fake_service import Server, picture_bytes

from faceagent.intake import NamedBytes
from faceagent.serve.archives import Budget, unpack
from faceagent.serve.errors import ApiError
from faceagent.serve.uploads import clean_name
from faceagent.serve.worker import JobOptions, job_ended
from faceagent.storage.database import api_keys, jobs, leases
from faceagent.storage.database.engine import Database, open_database
from faceagent.storage.database.jobs import NewItem

PNG = picture_bytes()


def archive(*members: tuple[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as made:
        for name, data in members:
            made.writestr(name, data)
    return buffer.getvalue()


def wait_for(server: Server, job_id: str) -> dict[str, object]:
    """The last event of a job: it is sent when the job ends."""
    with server.client.stream("GET", f"/v1/jobs/{job_id}/events", headers=server.headers("admin")) as stream:
        text = stream.read().decode()
    last = text.strip().split("\n\n")[-1]
    assert last.startswith("event: end\n"), text
    found: dict[str, object] = json.loads(last.partition("data: ")[2])
    return found


def test_files_zip_base64_and_urls_become_one_job(server: Server) -> None:
    answer = server.post(
        "/v1/jobs",
        files=[
            ("image", ("a.png", PNG)),
            ("image", ("b.txt", b"no picture")),
            ("archive", ("c.zip", archive(("d/e.png", PNG), ("d/", b""), ("__MACOSX/x", b"x"), ("f.png", PNG)))),
        ],
        data={"urls": "http://127.0.0.1.example/"},
    )
    assert answer.status_code == 202
    job = wait_for(server, answer.json()["id"])
    assert (job["state"], job["total"], job["counts"]) == ("done", 5, {"done": 3, "failed": 2})
    items = server.get(f"{answer.headers['location']}/items").json()["items"]
    assert [one["name"] for one in items[:4]] == ["a.png", "b.txt", "d/e.png", "f.png"]
    assert items[4]["error"]["code"] in ("fetch_failed", "fetch_refused")
    # A picture that cannot be read has failed, and its report says why as well.
    assert (items[1]["state"], items[1]["error"]["code"]) == ("failed", "unsupported_format")
    report = server.get(f"/v1/cases/{items[1]['case_id']}").json()["report"]
    assert report["problem"]["message"] == items[1]["error"]["message"]


def test_a_comma_is_a_part_of_a_url(serve: Callable[..., Server]) -> None:
    server = serve(work=False)
    urls = ["http://127.0.0.1.example/a,b.png", "http://127.0.0.1.example/c.png?size=1,2"]
    assert server.post("/v1/jobs", files={"x": b""}, data={"urls": urls}).json()["total"] == 2
    assert {one.url for one in leases.claim(server.service.database, 9, 60)} == set(urls)


def test_a_policy_decides_about_every_item(server: Server) -> None:
    policy = "{rules: [{when: [unreadable], then: block}, {when: [forged], then: review}], otherwise: allow}"
    files = [("image", ("a.png", PNG)), ("image", ("b.png", b"no picture"))]
    job_id = server.post("/v1/jobs", files=files, data={"document": policy}).json()["id"]
    assert wait_for(server, job_id)["decisions"] == {"review": 1, "block": 1}
    items = server.get(f"/v1/jobs/{job_id}/items").json()["items"]
    assert [one["decision"] for one in items] == ["review", "block"]
    listed = server.get("/v1/cases", params={"decision": "review", "name": "a.png"}).json()["cases"]
    assert (listed[0]["case_id"], listed[0]["policy"]) == (items[0]["case_id"], "(not stored)")


def test_a_job_keeps_the_policy_that_it_was_made_with(serve: Callable[..., Server]) -> None:
    server = serve(work=False)
    for decision in ("review", "block"):
        document = {"rules": [{"when": ["forged"], "then": decision}]}
        server.client.put("/v1/policies/shop", json=document, headers=server.headers("admin"))
        server.post("/v1/jobs", files={"image": ("a.png", PNG)}, data={"policy": "shop"})
    made = [JobOptions.model_validate_json(one.options) for one in leases.claim(server.service.database, 9, 60)]
    assert [(one.policy.version, one.policy.document.rules[0].then) for one in made if one.policy] == [
        (1, "review"),
        (2, "block"),
    ]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"policy": "unknown"}, 404),
        ({"policy": "strictest", "document": "{rules: [{when: [forged], then: block}]}"}, 422),
        ({"version": "1"}, 422),
        ({"document": "{rules: [{when: [weather], then: block}]}"}, 422),
        ({"document": "a: &a [*a]"}, 422),
    ],
)
def test_a_policy_that_cannot_be_used_is_told_before_the_job_is_made(
    server: Server, fields: dict[str, str], status: int
) -> None:
    answer = server.post("/v1/jobs", files={"image": ("a.png", PNG)}, data=fields)
    assert answer.status_code == status, answer.text


def test_every_item_is_compared_with_the_references_of_its_job(serve: Callable[..., Server]) -> None:
    server = serve()
    seen: list[list[NamedBytes]] = []
    server.analyst.with_references = seen.append
    files = [("image", ("a.png", PNG)), ("image", ("b.png", PNG)), ("references", ("r.png", picture_bytes(7)))]
    job_id = server.post("/v1/jobs", files=files).json()["id"]
    assert wait_for(server, job_id)["state"] == "done"
    assert seen and all(one == [NamedBytes("r.png", picture_bytes(7))] for one in seen)
    assert jobs.references_of(server.service.database, job_id) == (), "they are kept no longer than the job needs them"


def test_items_have_pages(server: Server) -> None:
    job_id = server.post("/v1/jobs", files=[("image", (f"{n}.png", PNG)) for n in range(5)]).json()["id"]
    wait_for(server, job_id)
    first = server.get(f"/v1/jobs/{job_id}/items", params={"limit": 3}).json()
    rest = server.get(f"/v1/jobs/{job_id}/items", params={"start": first["next"], "limit": 3}).json()
    assert [one["number"] for one in first["items"] + rest["items"]] == [0, 1, 2, 3, 4]
    assert rest["next"] is None


def test_a_repeated_request_makes_no_second_job(server: Server) -> None:
    headers = {"Idempotency-Key": "abc"}
    first, again = (server.post("/v1/jobs", files={"image": ("a.png", PNG)}, headers=headers) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    other = server.post("/v1/jobs", files={"image": ("b.png", PNG)}, headers=headers)
    assert (other.status_code, other.json()["error"]["code"]) == (409, "conflict")
    assert server.post("/v1/jobs", "admin", files={"image": ("b.png", PNG)}, headers=headers).status_code == 202


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ({"json": {}}, 422),
        ({"json": {"urls": ["http://10.0.0.1/a.png"]}}, 422),
        ({"json": {"urls": ["ftp://example.com/a.png"]}}, 422),
        ({"json": {"images": ["@"]}}, 422),
        ({"json": {"images": ["QUJD"], "webhook": "http://localhost/hook"}}, 422),
        ({"json": {"images": ["QUJD"], "questions": ["expression"], "purpose": "workplace"}}, 403),
        ({"files": {"archive": ("a.zip", b"PK\x03\x04 and no more")}}, 422),
        ({"files": {"archive": ("a.zip", archive())}}, 422),
        ({"content": b"x", "headers": {"content-type": "text/plain"}}, 415),
    ],
)
def test_a_broken_request_makes_no_job(server: Server, request_: dict[str, object], status: int) -> None:
    before = len(server.get("/v1/jobs", params={"limit": 100}).json()["jobs"])
    assert server.post("/v1/jobs", **request_).status_code == status
    assert len(server.get("/v1/jobs", params={"limit": 100}).json()["jobs"]) == before


def test_a_job_of_somebody_else_is_none(server: Server) -> None:
    job_id = server.post("/v1/jobs", "admin", files={"image": ("a.png", PNG)}).json()["id"]
    for path in ("", "/items", "/events", "/deliveries"):
        assert server.get(f"/v1/jobs/{job_id}{path}").status_code == 404
    assert server.post(f"/v1/jobs/{job_id}/cancel").status_code == 404


def test_a_cancelled_job_keeps_what_is_done_and_loses_its_bytes(serve: Callable[..., Server]) -> None:
    server = serve(batch=1)
    go, begun = threading.Event(), threading.Event()

    def wait(pictures: object) -> None:
        del pictures
        begun.set()
        assert go.wait(10)

    server.analyst.before = wait
    job_id = server.post("/v1/jobs", files=[("image", (f"{n}.png", PNG)) for n in range(6)]).json()["id"]
    assert begun.wait(10)
    cancelled = server.post(f"/v1/jobs/{job_id}/cancel").json()
    assert (cancelled["state"], cancelled["counts"]) == ("cancelled", {"cancelled": 6})
    go.set()
    assert server.post(f"/v1/jobs/{job_id}/cancel").status_code == 409
    server.service.stopping.set()
    server.service.batcher.close(10)
    assert server.get("/v1/cases").json()["cases"] == [], "a result that came too late was kept"


def test_whoever_watches_with_a_revoked_key_is_left_soon(
    serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("faceagent.serve.routes.jobs.REMEMBERED", 0.0)
    monkeypatch.setattr("faceagent.serve.routes.jobs.EVENT_SECONDS", 0.01)
    server = serve(work=False)
    job_id = server.post("/v1/jobs", files={"image": ("a.png", PNG)}).json()["id"]
    revoking = threading.Timer(0.2, api_keys.revoke_key, (server.service.database, server.keys["submit"].key.id))
    revoking.start()
    # The job never ends: only the end of the key ends this.
    with server.client.stream("GET", f"/v1/jobs/{job_id}/events", headers=server.headers()) as stream:
        assert stream.read().startswith(b"event: progress")
    revoking.join()


@pytest.mark.parametrize("same", [True, False])
def test_two_requests_with_one_idempotency_key_at_the_same_time_make_one_job(
    serve: Callable[..., Server], same: bool
) -> None:
    server = serve(work=False)
    names = ["a.png"] * 6 if same else [f"{n}.png" for n in range(6)]
    headers = {"Idempotency-Key": "race"}
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda name: server.post("/v1/jobs", files={"image": (name, PNG)}, headers=headers), names)
        )
    statuses = sorted(one.status_code for one in answers)
    assert statuses == ([202] * 6 if same else [202] + [409] * 5)
    assert len({one.json()["id"] for one in answers if one.status_code == 202}) == 1
    assert jobs.open_items(server.service.database) == 1


def test_limits_of_a_job(serve: Callable[..., Server]) -> None:
    server = serve(job_items=3, job_bytes=1000, open_items=2, work=False)
    many = archive(*((f"{n}.png", b"x") for n in range(4)))
    large = archive(("bomb.png", bytes(100_000)))
    for data in (many, large):
        answer = server.post("/v1/jobs", files={"archive": ("a.zip", data)})
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")
    full = server.post("/v1/jobs", files=[("image", (f"{n}.png", b"x")) for n in range(3)])
    assert full.status_code == 429 and full.headers["retry-after"]


class TestArchives:
    def read(self, data: bytes, *, items: int = 100, size: int = 10_000_000) -> list[NewItem]:
        return list(unpack(data, "body.archive.0", Budget(items, size)))

    def test_paths_that_leave_the_archive_are_names(self) -> None:
        names = ["../../etc/passwd", "/etc/passwd", "C:\\windows\\win.ini", "a/../../b.png", "x" * 900]
        found = self.read(archive(*((name, PNG) for name in names)))
        assert [one.name for one in found[:4]] == ["etc/passwd", "etc/passwd", "windows/win.ini", "a/b.png"]
        assert len(found[4].name) <= 200

    def test_an_archive_inside_is_not_opened(self) -> None:
        inner = archive(("a.png", PNG))
        assert [one.data for one in self.read(archive(("inner.zip", inner)))] == [inner]

    def test_a_bomb_ends_at_the_limit(self) -> None:
        with pytest.raises(ApiError) as caught:
            self.read(archive(*((f"{n}", bytes(2_000_000)) for n in range(20))))
        assert caught.value.status == 413

    def test_ten_thousand_small_files(self) -> None:
        data = archive(*((f"{n}.png", b"x") for n in range(10_000)), compression=zipfile.ZIP_STORED)
        assert len(self.read(data, items=10_000)) == 10_000
        with pytest.raises(ApiError):
            self.read(data, items=9_999)

    @pytest.mark.parametrize("damage", [lambda d: d[:-10], lambda d: d[:40] + b"\xff" * 20 + d[60:], lambda d: b""])
    def test_a_damaged_archive_is_told(self, damage: Callable[[bytes], bytes]) -> None:
        with pytest.raises(ApiError) as caught:
            self.read(damage(archive(("a.png", PNG), ("b.png", PNG))))
        assert caught.value.status == 422

    def test_an_encrypted_archive_is_told(self) -> None:
        data = bytearray(archive(("a.png", PNG)))
        for header in (b"PK\x03\x04", b"PK\x01\x02"):
            data[data.find(header) + (6 if header == b"PK\x03\x04" else 8)] |= 1
        with pytest.raises(ApiError, match="encrypted"):
            self.read(bytes(data))

    def test_names_are_cleaned(self) -> None:
        assert clean_name(None) == clean_name("") == "upload"
        assert clean_name("a/b\\c.png") == "c.png"


@pytest.fixture
def database(tmp_path: object) -> Iterator[Database]:
    made = open_database(str(tmp_path))
    yield made
    made.close()


def add(database: Database, count: int = 3, **more: object) -> str:
    new = [NewItem(f"{n}", b"data") for n in range(count)]
    return jobs.add_job(database, "key", new, options="{}", digest="d", seconds=100, **more)[0]  # type: ignore[arg-type]


def finish(database: Database, one: leases.Claim, case: str = "case") -> bool:
    with database.write() as connection:
        return leases.finish_item(connection, one, "done", case_id=case, finished=job_ended)


class TestLeases:
    def test_an_item_is_claimed_once_and_finished_once(self, database: Database) -> None:
        job_id = add(database)
        first = leases.claim(database, 2, 60)
        assert [one.number for one in first] == [0, 1]
        assert [one.number for one in leases.claim(database, 5, 60)] == [2]
        assert leases.claim(database, 5, 60) == []
        assert finish(database, first[0]) and not finish(database, first[0])
        job = jobs.find_job(database, job_id, "key")
        assert job is not None and (job.state, job.counts) == ("running", {"done": 1, "running": 2})

    def test_the_item_of_a_dead_worker_is_done_by_another_and_once(self, database: Database) -> None:
        job_id = add(database, 1)
        (dead,) = leases.claim(database, 1, -1)
        (other,) = leases.claim(database, 1, 60)
        assert finish(database, other, "case_other")
        assert not finish(database, dead, "case_dead")
        (item,) = jobs.list_items(database, job_id, start=0, limit=10)
        assert (item.state, item.case_id) == ("done", "case_other")

    def test_a_heartbeat_keeps_a_lease(self, database: Database) -> None:
        add(database, 1)
        (one,) = leases.claim(database, 1, -1)
        leases.renew(database, [one.lease], 60)
        assert leases.claim(database, 1, 60) == []

    def test_what_is_given_back_is_claimed_again(self, database: Database) -> None:
        add(database, 1)
        (one,) = leases.claim(database, 1, 60)
        leases.release(database, [one.lease])
        (again,) = leases.claim(database, 1, 60)
        assert again.attempts == 1

    def test_jobs_take_turns_and_repeats_come_last(self, database: Database) -> None:
        large, small = add(database, 5), add(database, 1)
        leases.claim(database, 1, -1)
        order = [(one.job_id, one.number) for one in leases.claim(database, 10, 60)]
        assert order[0] == (small, 0)
        assert order[-1] == (large, 0)

    def test_a_job_that_is_not_done_in_time_expires(self, database: Database) -> None:
        new = [NewItem("a", b"data")]
        job_id, _ = jobs.add_job(database, "key", new, options="{}", digest="d", seconds=-1)
        assert leases.claim(database, 1, 60) == []
        jobs.expire_jobs(database)
        job = jobs.find_job(database, job_id, "key")
        assert job is not None and job.state == "expired"

    def test_a_job_all_of_whose_items_failed_has_failed(self, database: Database) -> None:
        job_id = add(database, 1)
        (one,) = leases.claim(database, 1, 60)
        with database.write() as connection:
            assert leases.finish_item(connection, one, "failed", error={"code": "crashed", "message": "It is."})
        job = jobs.find_job(database, job_id, "key")
        assert job is not None and job.state == "failed"

    def test_workers_at_the_same_time_share_without_overlap(self, database: Database) -> None:
        job_id = add(database, 40)
        done: list[int] = []

        def work() -> None:
            while claimed := leases.claim(database, 3, 60):
                done.extend(one.number for one in claimed if finish(database, one))

        threads = [threading.Thread(target=work) for _ in range(3)]
        for one in threads:
            one.start()
        for one in threads:
            one.join(30)
        assert sorted(done) == list(range(40))
        job = jobs.find_job(database, job_id, "key")
        assert job is not None and job.state == "done"

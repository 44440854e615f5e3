"""Cases: read, listed, shown, compared by ETag, seen by their owner, expired and deleted with their bytes."""

import base64
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fake_service import Server, picture_bytes, report_on
from PIL import Image

from faceagent.explain.summary import summary_of
from faceagent.intake import NamedBytes
from faceagent.storage.database.case_index import CaseFilter, list_cases, set_sign_off
from faceagent.storage.database.cases import add_case
from faceagent.storage.database.engine import Database, open_database
from faceagent.types import Request

PNG = picture_bytes()


def test_a_case_is_read_again_with_its_etag(server: Server) -> None:
    made = server.analyse(PNG).json()
    path = f"/v1/cases/{made['case_id']}"
    read = server.get(path)
    assert read.json()["report"] == made["report"]
    again = server.get(path, headers={"If-None-Match": read.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert server.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_a_page_and_heat_maps_with_and_without_the_picture(server: Server) -> None:
    for keep in ("true", "false"):
        path = f"/v1/cases/{server.analyse(PNG, keep=keep).json()['case_id']}"
        page = server.get(f"{path}/report.html")
        assert page.headers["content-type"].startswith("text/html")
        assert ("were not kept" in page.text) is (keep == "false")
        (entry,) = server.get(f"{path}/heatmaps").json()["heatmaps"]
        drawn = Image.open(io.BytesIO(server.get(entry["url"]).content))
        assert drawn.format == "PNG"
        assert server.get(f"{path}/heatmaps/F9:forgery").status_code == 404


def test_a_submitter_sees_its_own_cases_and_a_reviewer_all(serve: Callable[..., Server]) -> None:
    server = serve()
    mine, other = (server.analyse(PNG, role).json()["case_id"] for role in ("submit", "admin"))
    assert [one["case_id"] for one in server.get("/v1/cases").json()["cases"]] == [mine]
    assert server.get(f"/v1/cases/{other}").status_code == 404
    assert server.delete(f"/v1/cases/{other}").status_code == 404
    assert {one["case_id"] for one in server.get("/v1/cases", "review").json()["cases"]} == {mine, other}


def test_the_list_has_pages(server: Server) -> None:
    made = [server.analyse(PNG).json()["case_id"] for _ in range(3)]
    first = server.get("/v1/cases", params={"limit": 2}).json()
    second = server.get("/v1/cases", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["case_id"] for one in first["cases"] + second["cases"]][:3] == made[::-1]
    assert server.get("/v1/cases", params={"limit": 200}).json()["next"] is None


def test_a_line_of_the_list_says_what_was_found(serve: Callable[..., Server]) -> None:
    server = serve()
    server.post("/v1/moderate", files={"image": ("door.png", PNG)}, data={"keep": "true"})
    server.analyse(b"no picture")
    unread, read = server.get("/v1/cases").json()["cases"]
    assert (unread["status"], unread["problem"], unread["verdicts"]) == ("unreadable", "unsupported_format", [])
    assert (read["name"], read["status"], read["kept"], read["sign_off"]) == ("door.png", "analysed", True, "open")
    assert read["verdicts"] == [
        {"question": "forgery", "subject": "F1", "label": "forged", "leaning": None, "positive": 0.95}
    ]
    assert (read["decision"], read["policy"]) == ("block", "strictest")
    assert read["reasons"] == ["A calibrated detector decided for the adverse side."]


@pytest.fixture
def listed(tmp_path: Path) -> Iterator[Database]:
    """Cases c0 to c4 with probabilities .1, .5, .5, .9 and a picture that cannot be read."""
    database = open_database(str(tmp_path))
    for number, positive in enumerate((0.1, 0.5, 0.5, 0.9, None)):
        given = NamedBytes(f"{'abcde'[number]}.PNG", PNG if positive is not None else b"no picture")
        report = report_on(given, Request(), positive or 0.0)
        with database.write() as connection:
            add_case(connection, "key", report, report.model_dump_json().encode(), seconds=100)
    yield database
    database.close()


def names(database: Database, wanted: CaseFilter = CaseFilter(), **options: Any) -> str:  # noqa: B008 - frozen
    """First letters of the cases of all pages, two at a time."""
    found, cursor = "", None
    while True:
        page = list_cases(database, "key", wanted, limit=2, cursor=cursor, **options)
        found += "".join(one.name[0] for one in page.cases)
        if page.next is None:
            return found
        assert len(page.cases) == 2
        cursor = page.next


def test_filters_of_the_list(listed: Database) -> None:
    assert names(listed) == "edcba"
    assert names(listed, CaseFilter(question="forgery")) == "dcba"
    assert names(listed, CaseFilter(question="spoof")) == ""
    assert names(listed, CaseFilter(question="forgery", label="forged", least=0.5, most=0.8)) == "cb"
    assert names(listed, CaseFilter(question="forgery", label="bona_fide")) == ""
    assert names(listed, CaseFilter(status="unreadable")) == "e"
    assert names(listed, CaseFilter(name="C.p")) == "c"
    assert names(listed, CaseFilter(name="%")) == "", "a sign of SQL's patterns is an ordinary character"
    assert names(listed, CaseFilter(decision="block")) == ""
    first = list_cases(listed, "key", limit=1).cases[0]
    assert names(listed, CaseFilter(since=first.created)) == "e"
    assert names(listed, CaseFilter(until=first.created)) == "dcba"
    with listed.write() as connection:
        set_sign_off(connection, first.case_id, "disputed")
    assert names(listed, CaseFilter(sign_off="disputed")) == "e"
    assert names(listed, CaseFilter(sign_off="open")) == "dcba"


def test_the_list_speaks_the_language_of_who_reads_it(listed: Database) -> None:
    report = report_on(NamedBytes("f.png", PNG), Request(), 0.9)
    report = report.model_copy(update={"summary": summary_of(report, "es")})
    with listed.write() as connection:
        add_case(connection, "key", report, report.model_dump_json().encode(), seconds=100)
    told = {
        language: list_cases(listed, "key", limit=1, language=language).cases[0].answer
        for language in (None, "en", "es", "zh")
    }
    assert told[None] == told["es"] == summary_of(report, "es").line
    assert len(set(told.values())) == 3
    assert re.search("[\u4e00-\u9fff]", told["zh"] or "")


def test_orders_of_the_list_page_by_page(listed: Database) -> None:
    forgery = CaseFilter(question="forgery")
    assert names(listed, sort="name", ascending=True) == "abcde"
    by_probability = names(listed, forgery, sort="probability")
    assert by_probability[0] + by_probability[-1] == "da" and sorted(by_probability[1:3]) == ["b", "c"]
    assert names(listed, forgery, sort="probability", ascending=True) == by_probability[::-1]


@pytest.mark.parametrize(
    "query",
    [
        {"cursor": "x"},
        {"cursor": "W10"},
        {"cursor": base64.urlsafe_b64encode(b'["name", "a", "case_1"]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'["created", "a", "case_1"]').decode()},
        {"cursor": base64.urlsafe_b64encode(b'["name", "\\ud800", "x"]').decode(), "sort": "name"},
        {"cursor": base64.urlsafe_b64encode(b'["name", "\\u0000", "x"]').decode(), "sort": "name"},
        {"name": "a\0b"},
        {"question": "forgery", "label": "a\0b"},
        {"label": "forged"},
        {"least": "0.5"},
        {"sort": "probability"},
        {"question": "weather"},
        {"limit": "0"},
        {"unknown": "1"},
    ],
)
def test_a_query_that_means_nothing_is_told(server: Server, query: dict[str, str]) -> None:
    answer = server.get("/v1/cases", params=query)
    assert answer.status_code == 422 and answer.json()["error"]["details"][0]["field"].startswith("query.")


def test_removing_the_case_of_another_key_needs_an_admin(serve: Callable[..., Server]) -> None:
    server = serve()
    case_id = server.analyse(PNG).json()["case_id"]
    assert server.delete(f"/v1/cases/{case_id}", "review").status_code == 403
    assert server.delete(f"/v1/cases/{case_id}", "admin").status_code == 204


def test_nothing_of_a_deleted_case_is_left_in_the_list(serve: Callable[..., Server]) -> None:
    server = serve()
    case_id = server.post("/v1/analyze", files={"image": ("Jane Doe.png", PNG)}).json()["case_id"]
    server.delete(f"/v1/cases/{case_id}")
    server.service.database.purge()
    assert not any(b"Jane Doe" in path.read_bytes() for path in Path(server.service.settings.database).iterdir())


def test_deleted_means_deleted(server: Server) -> None:
    marked = picture_bytes(side=64) + b"the bytes of a picture that must go"
    case_id = server.analyse(marked, keep="true").json()["case_id"]
    place = Path(server.service.settings.database)
    server.service.database.purge()
    assert any(b"must go" in path.read_bytes() for path in place.iterdir())
    assert server.delete(f"/v1/cases/{case_id}").status_code == 204
    gone = server.get(f"/v1/cases/{case_id}")
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "expired")
    server.service.database.purge()
    assert not any(b"must go" in path.read_bytes() for path in place.iterdir())


def test_a_picture_is_not_kept_unasked(server: Server) -> None:
    server.analyse(PNG + b"only while it is analysed")
    server.service.database.purge()
    place = Path(server.service.settings.database)
    assert not any(b"only while" in path.read_bytes() for path in place.iterdir())


def test_a_case_expires(serve: Callable[..., Server]) -> None:
    server = serve(case_seconds=0.001)
    case_id = server.analyse(PNG).json()["case_id"]
    assert server.get(f"/v1/cases/{case_id}").status_code == 410
    assert server.post("/v1/purge").status_code == 403
    assert server.post("/v1/purge", "admin").json() == {"cases": 1}
    assert server.get("/v1/cases").json()["cases"] == []

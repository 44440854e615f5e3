"""Cases: read, shown, compared by ETag, seen by their owner, expired and deleted with their bytes."""

import io
from collections.abc import Callable
from pathlib import Path

from fake_service import Server, picture_bytes
from PIL import Image

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
    second = server.get("/v1/cases", params={"limit": 2, "before": first["next"]}).json()
    assert [one["case_id"] for one in first["cases"] + second["cases"]][:3] == made[::-1]
    assert server.get("/v1/cases", params={"limit": 200}).json()["next"] is None


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

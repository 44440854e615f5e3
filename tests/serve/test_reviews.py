"""Sign-offs: with a reason, by reviewers, never over another reader unseen; what they come to; taking cases away."""

import csv
import io
import json
import zipfile
from collections.abc import Callable

import numpy as np
import pytest
from fake_service import Server, picture_bytes, report_on

from faceagent.intake import NamedBytes
from faceagent.serve.redacted import hide_faces, redact
from faceagent.storage.database import api_keys
from faceagent.storage.database.reviews import state_of
from faceagent.types import Request
from faceagent.types.service import Review

PNG = picture_bytes()


def made(server: Server, **fields: str) -> str:
    return str(server.analyse(PNG, **fields).json()["case_id"])


def sign(
    server: Server, case_id: str, decision: str, seen: int, role: str = "review", **more: str
) -> dict[str, object]:
    body = {"decision": decision, "reason": "looked at it", "seen": seen, **more}
    answer = server.post(f"/v1/cases/{case_id}/reviews", role, json=body)
    return {"status": answer.status_code, **answer.json()}


def test_a_sign_off_needs_the_role_and_a_reason(server: Server) -> None:
    case_id = made(server)
    assert sign(server, case_id, "accept", 0, "submit")["status"] == 403
    for reason in ("", "   "):
        assert sign(server, case_id, "accept", 0, reason=reason)["status"] == 422
    signed = sign(server, case_id, "accept", 0)
    assert (signed["status"], signed["state"]) == (201, "accepted")
    assert server.get(f"/v1/cases/{case_id}/reviews").json()["reviews"][0]["reviewer"] == "review"
    listed = server.get("/v1/cases", params={"sign_off": "accepted"}).json()["cases"]
    assert case_id in [one["case_id"] for one in listed]


def test_two_readers_at_once_are_told(server: Server) -> None:
    case_id = made(server)
    assert sign(server, case_id, "accept", 0)["status"] == 201
    late = sign(server, case_id, "reject", 0, "admin")
    assert late["status"] == 409
    assert sign(server, case_id, "reject", 1, "admin")["state"] == "disputed"
    assert sign(server, case_id, "reject", 2)["state"] == "rejected"


def test_a_second_reader_is_another_one(server: Server) -> None:
    case_id = made(server)
    assert sign(server, case_id, "escalate", 0)["state"] == "escalated"
    assert sign(server, case_id, "accept", 1)["state"] == "escalated"
    assert sign(server, case_id, "accept", 2, "admin")["state"] == "accepted"


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ([], "open"),
        ([("a", "accept"), ("a", "reject")], "rejected"),
        ([("a", "accept"), ("b", "reject")], "disputed"),
        ([("a", "escalate"), ("b", "escalate")], "escalated"),
        ([("a", "escalate"), ("b", "reject")], "rejected"),
        ([("a", "escalate"), ("a", "accept"), ("b", "reject")], "disputed"),
    ],
)
def test_what_sign_offs_come_to(words: list[tuple[str, str]], state: str) -> None:
    reviews = [
        Review(number=place, reviewer_id=who, reviewer=who, decision=what, reason="x", created=0.0)
        for place, (who, what) in enumerate(words, start=1)
    ]
    assert state_of(reviews) == state


def test_what_the_picture_really_was_is_feedback(serve: Callable[..., Server]) -> None:
    server = serve()
    sign(server, made(server), "reject", 0, label="REAL")
    assert server.get("/v1/feedback/calibration", "review").json()["counts"] == {"REAL": 1}


def test_many_at_once_leave_what_was_signed(server: Server) -> None:
    fresh, signed = made(server), made(server)
    sign(server, signed, "reject", 0)
    body = {"case_ids": [fresh, signed, "case_unknown"], "decision": "accept", "reason": "all clear"}
    found = server.post("/v1/reviews", "review", json=body).json()
    assert found["signed"] == [fresh]
    assert set(found["left"]) == {signed, "case_unknown"}
    assert server.get(f"/v1/cases/{signed}/reviews").json()["state"] == "rejected"


def test_cases_are_taken_away_as_table_document_and_archive(server: Server) -> None:
    hostile = "=HYPERLINK(1) <b>.png"
    case_id = server.post("/v1/analyze", files={"image": (hostile, PNG)}).json()["case_id"]
    sign(server, case_id, "accept", 0, reason="@fine, really")
    asked = {"case_ids": [case_id]}
    table = server.post("/v1/export", json={**asked, "format": "csv"})
    (row,) = csv.DictReader(io.StringIO(table.content.decode("utf-8-sig")))
    assert row["name"].startswith("'=")
    assert (row["forgery_label"], row["forgery_probability"], row["sign_off"]) == ("forged", "0.9500", "accepted")
    for language, file, manipulated, accepted in (
        ("en", "File", "Manipulated? Finding", "accepted"),
        ("es", "Archivo", "¿Manipulada? Resultado", "aceptado"),
        ("zh", "文件", "是否篡改？ 结果", "已认可"),
    ):
        table = server.post("/v1/export", json={**asked, "format": "csv", "language": language})
        (row,) = csv.DictReader(io.StringIO(table.content.decode("utf-8-sig")))
        assert row[file].startswith("'=")
        assert row[manipulated] and row[manipulated] != "forged"
        assert accepted in row.values() and not any("_" in name for name in row)
    document = server.post("/v1/export", json={**asked, "format": "json"}).json()
    assert document["cases"][0]["reviews"][0]["reason"] == "@fine, really"
    archive = zipfile.ZipFile(io.BytesIO(server.post("/v1/export", json={**asked, "format": "zip"}).content))
    names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert names >= {"cases.csv", "report.json", "report.html", "reviews.json", "report.pdf", "report.pdf.sig"}
    page = next(name for name in archive.namelist() if name.endswith("report.html"))
    assert "<b>.png" not in archive.read(page).decode()
    assert json.loads(archive.read(page.replace("html", "json")))["source"] == hostile
    other = api_keys.create_key(server.service.database, "other", "submit")
    headers = {"Authorization": f"Bearer {other.secret}"}
    assert server.client.post("/v1/export", headers=headers, json=asked).status_code == 404


def test_a_redacted_page_hides_everybody_else_and_all_names(server: Server) -> None:
    report = report_on(NamedBytes("holiday of Ada.png", PNG), Request())
    other = report.faces[0].model_copy(update={"id": "F2", "box": (40.0, 40.0, 60.0, 60.0)})
    crowd = report.model_copy(update={"faces": (report.faces[0], other)})
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    shown = hide_faces(noise, crowd, "F1")
    assert (shown[4:28, 4:28] == noise[4:28, 4:28]).all()
    assert shown[42:58, 42:58].std() < noise[42:58, 42:58].std() / 3
    assert "Ada" not in redact(crowd, "F1").model_dump_json()
    assert [face.id for face in redact(crowd, "F1").faces] == ["F1"]
    case_id = made(server, keep="true")
    page = server.get(f"/v1/cases/{case_id}/redacted.html?face=F1")
    assert "made unrecognisable" in page.text
    assert "a.png" not in page.text
    assert server.get(f"/v1/cases/{case_id}/redacted.html?face=F9").status_code == 404
    assert server.get(f"/v1/cases/{made(server)}/redacted.html?face=F1").status_code == 409


def test_a_policy_is_tried_on_the_stored_cases(serve: Callable[..., Server]) -> None:
    server = serve()
    for _ in range(3):
        made(server)
    lenient = "rules:\n  - when: [no_face]\n    then: review\notherwise: allow\n"
    found = server.post("/v1/policies/preview", json={"document": lenient}).json()
    assert (found["cases"], found["after"], found["before"]) == (3, {"allow": 3}, {"block": 3})
    assert {(one["before"], one["after"]) for one in found["changes"]} == {("block", "allow")}
    same = json.dumps(server.get("/v1/policies/strictest").json()["document"])
    assert server.post("/v1/policies/preview", json={"document": same}).json()["changes"] == []
    assert server.post("/v1/policies/preview", json={"document": "rules: ["}).status_code == 400
    assert server.post("/v1/policies/preview", json={"document": "rules: []"}).status_code == 422

"""A stored case as a signed PDF: the same bytes each time, its signature fits, and only its owner gets it."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from fake_service import Server, picture_bytes

from faceagent.report import signing_key as keys
from faceagent.report.pdf import content
from faceagent.report.signature import opened
from faceagent.report.verify import Material, verify
from faceagent.serve.documents import document
from faceagent.storage.database import cases
from faceagent.types import Report

PARTS = ("report.pdf", "report.pdf.sig")


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "user_data_path", lambda name: tmp_path / name)


def case_of(server: Server, **fields: str) -> str:
    made = server.analyse(picture_bytes(), **fields)
    assert made.status_code == 200, made.text
    return str(made.json()["case_id"])


def test_files_are_called_as_the_picture_and_the_case(server: Server) -> None:
    sent = server.post("/v1/analyze", files=[("image", ("a *new*; foto ñ.jpeg", picture_bytes()))]).json()["case_id"]
    stem = f"a _new_ foto ñ-{sent[5:13]}"
    assert server.get(f"/v1/cases/{sent}/view").json()["file_stem"] == stem
    for part, ending in zip(PARTS, (".pdf", ".pdf.sig"), strict=True):
        told = server.get(f"/v1/cases/{sent}/{part}").headers["content-disposition"]
        assert told == f"attachment; filename*=UTF-8''{quote(stem + ending)}"


@pytest.mark.parametrize("keep", ["true", "false"])
def test_the_signature_fits_the_pdf_and_the_report(server: Server, keep: str) -> None:
    case = case_of(server, keep=keep)
    pdf, signature = (server.get(f"/v1/cases/{case}/{part}") for part in PARTS)
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["etag"] == f'"{hashlib.sha256(pdf.content).hexdigest()}"'
    stored = cases.find_case(server.service.database, case, None)
    assert stored is not None
    found = verify(Material(pdf=pdf.content, report=stored.report), signature.content, [opened(signature.content)[1]])
    assert found.passed, found.checks
    assert found.statement is not None and found.statement.predicate.case == case
    assert server.get(f"/v1/cases/{case}/report.pdf").content == pdf.content


def test_the_way_of_the_case_stands_in_it(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    case = case_of(server)
    assert server.post("/v1/feedback", json={"case_id": case, "label": "REAL"}).status_code == 201
    review = {"decision": "accept", "reason": "fits the file's history", "seen": 0}
    assert server.post(f"/v1/cases/{case}/reviews", "review", json=review).status_code == 201
    seen = []
    real = content._custody

    def watched(*arguments: Any) -> Any:
        seen.append(real(*arguments))
        return seen[-1]

    monkeypatch.setattr(content, "_custody", watched)
    assert server.get(f"/v1/cases/{case}/report.pdf").status_code == 200
    kinds = [(row[1], row[2]) for row in seen[0]]
    assert ("Received", "submit") in kinds
    assert ("Feedback given", "submit") in kinds
    assert "Picture not kept" in [kind for kind, _ in kinds]
    assert "review" in {who for _, who in kinds}


def test_a_document_in_another_language_has_a_signature_of_its_own(server: Server) -> None:
    case = case_of(server, keep="true")
    pdf, signature = (server.get(f"/v1/cases/{case}/{part}", params={"language": "es"}).content for part in PARTS)
    stored = cases.find_case(server.service.database, case, None)
    assert stored is not None
    assert verify(Material(pdf=pdf, report=stored.report), signature, [opened(signature)[1]]).passed
    assert pdf != server.get(f"/v1/cases/{case}/report.pdf").content
    page = server.get(f"/v1/cases/{case}/report.html", params={"language": "es"}).text
    assert '<html lang="es">' in page and "¿Manipulada?" in page


def test_a_broken_picture_has_a_document_too(server: Server) -> None:
    made = server.analyse(b"no picture at all")
    case = made.json()["case_id"]
    assert server.get(f"/v1/cases/{case}/report.pdf").content.startswith(b"%PDF-")


def test_only_who_may_see_the_case_gets_it(server: Server) -> None:
    case = case_of(server, role="admin")
    for part in PARTS:
        assert server.get(f"/v1/cases/{case}/{part}").status_code == 404
        assert server.client.get(f"/v1/cases/{case}/{part}").status_code == 401
        assert server.get(f"/v1/cases/{case}/{part}", role="review").status_code == 200
    assert server.delete(f"/v1/cases/{case}", role="admin").status_code == 204
    assert {server.get(f"/v1/cases/{case}/{part}", role="review").status_code for part in PARTS} == {410}


def test_a_key_that_cannot_be_used_is_the_operators_business(server: Server, tmp_path: Path) -> None:
    case = case_of(server)
    (tmp_path / "faceagent").mkdir()
    (tmp_path / "faceagent" / keys.PRIVATE).write_text("broken")
    answer = server.get(f"/v1/cases/{case}/report.pdf")
    assert answer.status_code == 500
    assert str(tmp_path) not in answer.text


def test_the_stored_report_is_the_one_that_is_signed(server: Server) -> None:
    case = case_of(server)
    stored = cases.find_case(server.service.database, case, None)
    assert stored is not None and stored.report is not None
    statement, _ = opened(document(server.service, stored).signature)
    assert statement.digest("report.json") == stored.etag
    assert json.loads(stored.report)["source"] == Report.model_validate_json(stored.report).source

"""The PDF read by other programs: qpdf, poppler and OpenSSL."""

import base64
import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from faceagent.intake import MemoryBlobs
from faceagent.report.pdf import CaseFile
from faceagent.report.signature import PAYLOAD_TYPE
from faceagent.report.signed_pdf import SignedPdf, signed_pdf
from faceagent.types import Report

pytestmark = pytest.mark.e2e

Sample = Callable[..., Report]
MARKUP = '*bold* #eval("1+1") $x$ <label> @ref'
CASE = CaseFile(id="case-7", made="2026-02-01T08:00:00+00:00", examiner="Dr. Ada Example")


def made_of(report: Report) -> SignedPdf:
    blobs = MemoryBlobs()
    for one in (*([report.picture] if report.picture else []), *report.references):
        blobs.put_pixels(one.sha256, np.full((48, 64, 3), 120, np.uint8))
    return signed_pdf(report, report.model_dump_json().encode(), CASE, blobs, Ed25519PrivateKey.generate())


def run(*command: str) -> str:
    assert shutil.which(command[0]), f"no {command[0]} here; `make e2e` installs it where it may"
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.mark.parametrize("faces", [0, 1, 60])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_document_is_sound_and_its_text_can_be_selected(
    sample_report: Sample, tmp_path: Path, faces: int, language: str
) -> None:
    report = sample_report(faces=faces, language=language, source=MARKUP, references=1)
    path = tmp_path / "report.pdf"
    path.write_bytes(made_of(report).pdf)
    assert "No syntax or stream encoding errors found" in run("qpdf", "--check", str(path))
    text = run("pdftotext", "-layout", str(path), "-")
    assert MARKUP in text
    assert {"en": "Chain of custody", "zh": "保管链"}[language] in text
    assert text.count("case-7") >= text.count("\f"), "the case on every page"
    assert hashlib.sha256(report.model_dump_json().encode()).hexdigest() in text
    pages = int(next(line for line in run("pdfinfo", str(path)).splitlines() if line.startswith("Pages")).split()[1])
    assert f"Page {pages} of {pages}" in text or f"第 {pages} 页" in text or f"第{pages}页" in text
    assert "no" not in {line.split()[-5] for line in run("pdffonts", str(path)).splitlines()[2:]}, "a font not embedded"


def test_it_identifies_itself_as_pdf_a_and_holds_the_report(sample_report: Sample, tmp_path: Path) -> None:
    report = sample_report()
    path = tmp_path / "report.pdf"
    path.write_bytes(made_of(report).pdf)
    metadata = run("pdfinfo", "-meta", str(path))
    assert "<pdfaid:part>3</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in metadata
    run("pdfdetach", "-saveall", "-o", str(tmp_path), str(path))
    assert (tmp_path / "report.json").read_bytes() == report.model_dump_json().encode()


def test_openssl_confirms_the_signature_and_refuses_a_changed_one(sample_report: Sample, tmp_path: Path) -> None:
    """With the commands of docs/reports.md: the signature is no secret of ours."""
    made = made_of(sample_report())
    envelope = json.loads(made.signature)
    payload = base64.b64decode(envelope["payload"])
    statement = json.loads(payload)
    signed = tmp_path / "signed"
    signed.write_bytes(b"DSSEv1 %d %s %d %s" % (len(PAYLOAD_TYPE), PAYLOAD_TYPE.encode(), len(payload), payload))
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    (tmp_path / "key.pem").write_text(statement["predicate"]["public_key"])
    files = ("-inkey", str(tmp_path / "key.pem"), "-sigfile", str(tmp_path / "sig"), "-in", str(signed))
    check = ("openssl", "pkeyutl", "-verify", "-pubin", "-rawin", *files)
    assert "Verified Successfully" in run(*check)
    assert statement["subject"][0] == {
        "name": "report.pdf",
        "digest": {"sha256": hashlib.sha256(made.pdf).hexdigest()},
    }
    signed.write_bytes(signed.read_bytes().replace(b"case-7", b"case-8"))
    assert subprocess.run(check, capture_output=True).returncode != 0

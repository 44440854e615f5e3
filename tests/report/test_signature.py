"""The signature: everything that it says is signed, and no file, key or envelope can be exchanged for another."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from faceagent.report.signature import SignatureInvalid, opened, sign, signed_bytes
from faceagent.report.signing_key import fingerprint
from faceagent.report.verify import Material, Verification, verify
from faceagent.types import Report

Sample = Callable[..., Report]
KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
TRUSTED = [fingerprint(KEY.public_key())]
PDF, PICTURE = b"%PDF-1.7 a document", b"the picture's bytes"
MOMENT = "2026-02-01T08:00:00+00:00"


@pytest.fixture
def report(sample_report: Sample) -> Report:
    import hashlib

    made = sample_report(references=1)
    assert made.picture is not None
    return made.model_copy(
        update={"picture": made.picture.model_copy(update={"sha256": hashlib.sha256(PICTURE).hexdigest()})}
    )


@pytest.fixture
def source(report: Report) -> bytes:
    return report.model_dump_json(indent=1).encode()


@pytest.fixture
def envelope(report: Report, source: bytes) -> bytes:
    return sign(KEY, report, source, case="case-1", signed=MOMENT, pdf=PDF)


def check(envelope: bytes | None, trusted: list[str] | None = None, **files: Any) -> Verification:
    return verify(Material(**files), envelope, TRUSTED if trusted is None else trusted)


def wrong(found: Verification) -> list[str]:
    return [one.text for one in found.checks if one.outcome == "differs"]


def changed(envelope: bytes, **fields: Any) -> bytes:
    """The envelope with another statement under the old signature."""
    outer = json.loads(envelope)
    statement = json.loads(base64.b64decode(outer["payload"]))
    statement["predicate"] |= fields.pop("predicate", {})
    outer["payload"] = base64.b64encode(json.dumps(statement | fields).encode()).decode()
    return json.dumps(outer).encode()


def test_what_was_signed_is_genuine(envelope: bytes, source: bytes) -> None:
    found = check(envelope, pdf=PDF, report=source, picture=PICTURE)
    assert found.passed and wrong(found) == []
    assert found.statement is not None and found.statement.predicate.case == "case-1"
    outcomes = [one.outcome for one in found.checks]
    assert outcomes.count("matches") == 5 and outcomes.count("not_checked") == 1, "the reference was not given"


@pytest.mark.parametrize("place", [0, 9, -1])
def test_one_changed_byte_of_any_file_is_found(envelope: bytes, source: bytes, place: int) -> None:
    files = {"pdf": PDF, "report": source, "picture": PICTURE}
    for name, data in files.items():
        bad = bytearray(data)
        bad[place] ^= 1
        found = check(envelope, **{**files, name: bytes(bad)})
        assert not found.passed
        words = " ".join(wrong(found))
        assert "SHA-256" in words
        assert {"pdf": "report.pdf", "report": "report.json", "picture": "picture"}[name] in words


def test_no_byte_of_the_signature_can_be_changed(envelope: bytes, source: bytes) -> None:
    payload = json.loads(envelope)["payload"]
    for place in range(0, len(payload) - 4, 37):
        other = payload[:place] + ("A" if payload[place] != "A" else "B") + payload[place + 1 :]
        bad = envelope.replace(payload.encode(), other.encode())
        assert not check(bad, pdf=PDF, report=source).passed


def test_a_missing_or_damaged_signature_confirms_nothing(envelope: bytes, source: bytes) -> None:
    assert "no signature" in wrong(check(None, report=source))[0]
    for bad in (b"", b"{}", b"\x00" * 64, envelope[:-40], b"[" * 100_000, b" " * 2_000_000, b'{"payload": 1}'):
        found = check(bad, report=source)
        assert not found.passed and wrong(found)


def test_a_key_that_is_not_trusted_confirms_nothing(report: Report, source: bytes, envelope: bytes) -> None:
    forged = sign(OTHER, report, source, case="case-1", signed=MOMENT, pdf=PDF)
    for trusted in (TRUSTED, []):
        found = check(forged, trusted, pdf=PDF, report=source)
        assert not found.passed and found.statement is None
        assert fingerprint(OTHER.public_key()) in wrong(found)[0]
    assert check(forged, [fingerprint(OTHER.public_key())], pdf=PDF, report=source).passed


def test_the_trusted_keys_name_on_another_keys_signature_confirms_nothing(envelope: bytes, source: bytes) -> None:
    """The key that is named inside is the one that is checked; ``keyid`` is a remark."""
    with_other = sign(OTHER, Report.model_validate_json(source), source, case="case-1", signed=MOMENT, pdf=PDF)
    outer, own = json.loads(with_other), json.loads(envelope)
    outer["signatures"][0]["keyid"] = own["signatures"][0]["keyid"]
    assert not check(json.dumps(outer).encode(), pdf=PDF, report=source).passed
    pem = json.loads(base64.b64decode(own["payload"]))["predicate"]["public_key"]
    assert not check(changed(with_other, predicate={"public_key": pem}), pdf=PDF, report=source).passed
    outer["payload"] = own["payload"]
    assert not check(json.dumps(outer).encode(), pdf=PDF, report=source).passed


def test_a_signature_of_another_report_is_found(sample_report: Sample, envelope: bytes, source: bytes) -> None:
    other = sample_report(faces=2)
    text = other.model_dump_json(indent=1).encode()
    theirs = sign(KEY, other, text, case="case-2", signed=MOMENT, pdf=b"%PDF-1.7 other")
    found = check(theirs, pdf=PDF, report=source, picture=PICTURE)
    assert not found.passed and len(wrong(found)) == 3
    assert not check(envelope, pdf=PDF, report=text).passed, "the report of another case beside the PDF"


def test_files_of_one_kind_do_not_stand_for_another(report: Report, source: bytes) -> None:
    only_json = sign(KEY, report, source, case="case-1", signed=MOMENT)
    found = check(only_json, pdf=PDF, report=source)
    assert "report.pdf" in wrong(found)[0] and "not among the signed files" in wrong(found)[0]
    assert not check(only_json, pdf=source).passed, "the bytes of report.json as a PDF"
    assert not check(only_json, report=source, picture=source).passed


@pytest.mark.parametrize(
    "change",
    [
        {"subject": []},
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "urn:other"},
        {"predicate": {"case": "case-9"}},
        {"predicate": {"signed": "1999-01-01"}},
        {"more": 1},
    ],
)
def test_nothing_that_the_signature_says_can_be_changed(envelope: bytes, source: bytes, change: dict[str, Any]) -> None:
    assert not check(changed(envelope, **change), pdf=PDF, report=source).passed


def test_a_statement_signed_for_another_purpose_is_none_of_ours(envelope: bytes, source: bytes) -> None:
    """The same key may sign other things; only the encoding of DSSE with our type counts."""
    outer = json.loads(envelope)
    payload = base64.b64decode(outer["payload"])
    for message in (payload, b"DSSEv1 4 text " + payload, signed_bytes(payload)[:-1]):
        outer["signatures"][0]["sig"] = base64.b64encode(KEY.sign(message)).decode()
        with pytest.raises(SignatureInvalid):
            opened(json.dumps(outer).encode())


def test_a_file_named_twice_is_refused() -> None:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "report.json", "digest": {"sha256": mark * 64}} for mark in "12"],
        "predicateType": "urn:faceagent:signed-report:1",
        "predicate": {"case": "c", "signed": MOMENT, "faceagent": "0", "public_key": _pem(KEY)},
    }
    payload = json.dumps(statement).encode()
    outer = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": "application/vnd.in-toto+json",
        "signatures": [{"keyid": "", "sig": base64.b64encode(KEY.sign(signed_bytes(payload))).decode()}],
    }
    with pytest.raises(SignatureInvalid, match="twice"):
        opened(json.dumps(outer).encode())


def test_a_report_that_names_evidence_it_does_not_hold_is_found(report: Report) -> None:
    cut = report.model_copy(update={"evidence": report.evidence[1:]}).model_dump_json().encode()
    found = check(sign(KEY, report, cut, case="case-1", signed=MOMENT), report=cut)
    assert any("F1:forgery" in text for text in wrong(found))


def _pem(key: Ed25519PrivateKey) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

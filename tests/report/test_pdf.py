"""The PDF as a file: archival, the same twice, and made of text that no name or value can turn into anything else."""

import builtins
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from faceagent.errors import InputError
from faceagent.explain import summarize
from faceagent.intake import MemoryBlobs
from faceagent.report.pdf import CaseFile, CustodyEvent, SignOff, content, render_pdf
from faceagent.report.pdf.legible import LONGEST, legible
from faceagent.report.pdf.pictures import Files
from faceagent.types import Problem, Report

Sample = Callable[..., Report]
MARKUP = '#panic("no") *b* _i_ $x$ `raw` <label> @ref = head \\u{41} // c /* #eval("1") ] } " #import "x.typ"'
CASE = CaseFile(id="case-1", made="2026-02-01T08:00:00+00:00")


def blobs_for(report: Report) -> MemoryBlobs:
    blobs = MemoryBlobs()
    pixels = np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8)
    for one in (*([report.picture] if report.picture else []), *report.references):
        blobs.put_pixels(one.sha256, pixels)
    return blobs


def values_of(report: Report, case: CaseFile = CASE) -> dict[str, Any]:
    source = report.model_dump_json().encode()
    return json.loads(json.dumps(content.content(report, source, case, blobs_for(report), Files())))


def pdf_of(report: Report, case: CaseFile = CASE) -> bytes:
    return render_pdf(report, report.model_dump_json().encode(), case, blobs_for(report))


def test_it_says_that_it_is_pdf_a_3a_and_pdf_ua_1_and_is_the_same_twice(sample_report: Sample) -> None:
    report = sample_report(references=1)
    pdf = pdf_of(report)
    assert pdf.startswith(b"%PDF-1.7")
    for mark in (b"<pdfaid:part>3", b"<pdfaid:conformance>A", b"<pdfuaid:part>1", b"AFRelationship/Source"):
        assert mark in pdf
    assert pdf == pdf_of(report)


@pytest.mark.parametrize("language", ["en", "es", "zh"])
def test_every_language_has_the_answers_in_words_and_numbers(sample_report: Sample, language: str) -> None:
    values = values_of(sample_report(language=language))
    (row,) = values["findings"][0]["rows"]
    assert "LR 19" in row["ratio"]
    assert "95 %" in row["support"] or "95%" in row["support"]
    assert all(dict(values["words"]).values())
    assert pdf_of(sample_report(language=language)).startswith(b"%PDF")


@pytest.mark.parametrize(("language", "title"), [("en", "Manipulated?"), ("es", "¿Manipulada?"), ("zh", "是否篡改？")])
def test_a_face_says_why_a_question_cannot_be_told_and_its_map_names_the_question(
    sample_report: Sample, language: str, title: str
) -> None:
    report = sample_report(language=language)
    (verdict,) = report.verdicts
    undecided = verdict.model_copy(update={"label": "inconclusive", "reason": "weak_evidence", "strength": "none"})
    summary = summarize((undecided,), report.evidence, report.faces, language=language)
    (face,) = values_of(report.model_copy(update={"verdicts": (undecided,), "summary": summary}))["faces"]
    assert summary.reason and face["reasons"] == [[title, summary.reason]]
    assert title in face["maps"][0]["caption"] and "forgery" not in face["maps"][0]["caption"]


def test_names_and_values_with_markup_stay_text(sample_report: Sample) -> None:
    report = sample_report()
    evil = report.model_copy(
        update={
            "source": MARKUP,
            "limitations": (MARKUP,),
            "evidence": tuple(one.model_copy(update={"statement": MARKUP}) for one in report.evidence),
            "picture": report.picture and report.picture.model_copy(update={"notes": (MARKUP,), "source": MARKUP}),
        }
    )
    case = CASE.model_copy(
        update={
            "examiner": MARKUP[:90],
            "custody": (CustodyEvent(at=None, kind="feedback", who=MARKUP, details=(MARKUP,)),),
            "sign_offs": (SignOff(at="2026-02-01", who=MARKUP, decision=MARKUP, reason=MARKUP),),
        }
    )
    assert pdf_of(evil, case).startswith(b"%PDF")
    values = values_of(evil, case)
    assert values["limits"] == [MARKUP]
    assert [row[1] for row in values["cover"]].count(MARKUP) == 1
    assert values["sign_offs"] == [["2026-02-01", MARKUP, MARKUP, MARKUP]]


@pytest.mark.parametrize(
    "name",
    [
        "תמונה של דנה.jpg", "صورة جواز السفر.png", "photo\u202egpj.exe", "a\x00b\x07\n.png", "照片 日本語 한국어.png",
        "x" * 500, "🙂👩‍👩‍👧‍👦️.png", "\ue000\U0010ffff\ud7ff.png", "á" * 200, "नमस्ते ไทย ཀ.png", "", "\u200b" * 40,
    ],
)  # fmt: skip
def test_any_name_can_be_printed(sample_report: Sample, name: str) -> None:
    assert pdf_of(sample_report(source=name)).startswith(b"%PDF")


def test_text_is_shown_as_it_reads_and_what_cannot_be_shown_is_named() -> None:
    assert legible("photo\u202egpj.exe") == "photo[U+202E]gpj.exe"
    assert legible("a\x07b\nc") == "a[U+0007]b c"
    assert legible("ཀ") == "[U+0F40]"
    assert legible("صورة 照片 é") == "صورة 照片 é"
    digest = "0f" * 32
    assert legible(digest) == digest
    long = legible("a" * 500)
    assert long.replace("\u200b", "") == "a" * 500
    assert max(map(len, long.split("\u200b"))) <= LONGEST
    assert all(not part.startswith("\u0301") for part in legible("a\u0301" * 100).split("\u200b"))


def test_a_report_without_a_picture_says_why(sample_report: Sample) -> None:
    problem = Problem(reason="corrupt_picture", message="It is cut short.", remedy="Get it again.")
    empty: dict[str, Any] = dict.fromkeys(("faces", "evidence", "verdicts"), ())
    broken = sample_report().model_copy(update={"problem": problem, "picture": None, "summary": None, **empty})
    values = values_of(broken)
    assert values["summary"]["rows"][0][1] == "It is cut short. Get it again."
    assert "corrupt_picture" in values["summary"]["rows"][1][1]
    assert pdf_of(broken).startswith(b"%PDF")


def test_a_picture_without_a_face_and_one_with_sixty(sample_report: Sample) -> None:
    none, many = values_of(sample_report(faces=0)), values_of(sample_report(faces=60))
    assert none["faces"] == [] and none["findings"] == []
    assert pdf_of(sample_report(faces=0)).startswith(b"%PDF")
    assert len(many["gallery"]) == 60
    assert len(many["faces"]) == content.MOST_DETAILED
    assert len([group for group in many["findings"] if group["subject"].startswith("F")]) == 60
    assert len(many["appendix"]) == 60, "only what a verdict cites"
    assert "120" in many["appendix_note"]


def test_methods_name_weights_licence_and_error_rates_of_their_one_source(sample_report: Sample) -> None:
    from faceagent.judge.calibrate import records
    from faceagent.weights import entry

    forgery = values_of(sample_report())["methods"][0]
    (weights,) = forgery["weights"]
    assert (weights["id"], weights["licence"]) == ("minifasnet_v2", entry("minifasnet_v2").license)
    (calibration,) = forgery["calibrations"]
    record = records()["forgery/splice-1"]
    assert calibration["note"] == record["note"]
    assert f"APCER {100 * record['operating_points'][0]['errors']['apcer']:.1f} %" in calibration["errors"][0]


def test_what_is_known_of_other_weights_is_not_printed(sample_report: Sample) -> None:
    report = sample_report()
    stamp = report.evidence[0].tool.weights[0].model_copy(update={"sha256": "9" * 64})
    tool = report.evidence[0].tool.model_copy(update={"weights": (stamp,)})
    other = report.model_copy(update={"evidence": (report.evidence[0].model_copy(update={"tool": tool}),)})
    (weights,) = values_of(other)["methods"][0]["weights"]
    assert (weights["licence"], weights["training"]) == ("", "")


def test_the_chain_of_custody_has_what_the_record_knows_and_no_more(sample_report: Sample) -> None:
    kept = CustodyEvent(at="2026-01-31T11:59:00+00:00", kind="received", who="key intake", details=("by HTTP",))
    rows = values_of(sample_report(), CASE.model_copy(update={"custody": (kept,)}))["custody"]
    assert [row[1] for row in rows] == ["Received", "Hashed", "Analysed", "Report made"]
    assert rows[0] == ["2026-01-31 11:59:00 UTC", "Received", "key intake", ["by HTTP"]]
    assert rows[1][3] == ["1" * 64]
    assert values_of(sample_report())["custody"][0][2] == "not recorded"


def test_without_its_packages_the_remedy_is_named(sample_report: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_typst(name: str, *rest: Any, **options: Any) -> Any:
        if name == "typst":
            raise ModuleNotFoundError("No module named 'typst'", name="typst")
        return real(name, *rest, **options)

    monkeypatch.setattr(builtins, "__import__", without_typst)
    with pytest.raises(InputError, match=r"pip install 'faceagent\[pdf\]'"):
        pdf_of(sample_report())

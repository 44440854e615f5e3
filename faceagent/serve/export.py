"""Several cases as one file: a table (CSV), one JSON document, or a ZIP archive with every report."""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from faceagent.report import folder_name
from faceagent.report.headings import Headings, headings_in
from faceagent.serve import cases
from faceagent.serve.case_view import in_language
from faceagent.serve.documents import document
from faceagent.serve.service import Service
from faceagent.storage.database.cases import Case
from faceagent.types import QUESTIONS, Report, SummaryLanguage, Verdict
from faceagent.types.service import Review, SignOff

Format = Literal["csv", "json", "zip"]
KINDS: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json", "zip": "application/zip"}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for a formula at the beginning of a cell."""
MOST_DOCUMENTS = 20
"""Cases up to which an archive holds a signed PDF of each, which takes a second to make."""
COLUMNS = ("case_id", "name", "created", "answer", "sign_off", "reviewers", "reasons")


class Exported(NamedTuple):
    """A case with what people came to about it."""

    case: Case
    report: Report
    state: SignOff
    reviews: list[Review]


def export(found: Sequence[Exported], kind: Format, service: Service, language: SummaryLanguage | None = None) -> bytes:
    """The file in that format; ``language`` of the table's headings and answers, None: names that programs read."""
    if kind == "csv":
        return _csv(found, language)
    if kind == "json":
        return json.dumps({"cases": [_entry(one) for one in found]}, ensure_ascii=False).encode()
    return _zip(found, service, language)


def _csv(found: Iterable[Exported], language: SummaryLanguage | None) -> bytes:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_names() if language is None else _headings(headings_in(language)))
    for one in found:
        table.writerow([_cell(value) for value in _row(one, language)])
    # With the mark, spreadsheets read UTF-8.
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _names() -> list[str]:
    return [*COLUMNS, *(f"{name}_{part}" for name in QUESTIONS for part in ("label", "probability"))]


def _headings(words: Headings) -> list[str]:
    measured = (
        words.word("table", part).format(question=words.title(name))
        for name in QUESTIONS
        for part in ("label", "probability")
    )
    return [*(words.word("table", name) for name in COLUMNS), *measured]


def _row(one: Exported, language: SummaryLanguage | None) -> list[str]:
    """The strongest verdict of every question: that nearest to the positive side."""
    report = in_language(one.report, language)
    told = {} if language is None or report.summary is None else {it.verdict: it.text for it in report.summary.findings}

    def word(name: str) -> str:
        return name if language is None else headings_in(language).word("table", name)

    def finding(verdict: Verdict) -> str:
        return told.get(verdict.id, verdict.firm_label)

    row = [
        one.case.id,
        report.source,
        datetime.fromtimestamp(one.case.created, UTC).isoformat(timespec="seconds"),
        report.summary.line if report.summary else "",
        word(one.state),
        "; ".join(review.reviewer for review in one.reviews),
        "; ".join(f"{review.decision}: {review.reason}" for review in one.reviews),
    ]
    for question in QUESTIONS:
        verdicts = [verdict for verdict in report.verdicts if verdict.question == question]
        best = max(verdicts, key=lambda verdict: verdict.positive.value if verdict.positive else -1.0, default=None)
        row += ["", ""] if best is None else [finding(best), f"{best.positive.value:.4f}" if best.positive else ""]
    return row


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _entry(one: Exported) -> dict[str, object]:
    return {
        "case_id": one.case.id,
        "created": one.case.created,
        "sign_off": one.state,
        "reviews": [review.model_dump() for review in one.reviews],
        "report": json.loads(one.case.report or b"{}"),
    }


def _zip(found: Sequence[Exported], service: Service, language: SummaryLanguage | None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cases.csv", _csv(found, language))
        for one in found:
            folder = f"{folder_name(one.report)}-{one.case.id.removeprefix('case_')[:8]}"
            archive.writestr(f"{folder}/report.json", one.case.report or b"")
            archive.writestr(f"{folder}/report.html", cases.page(service, one.case))
            reviews = json.dumps([review.model_dump() for review in one.reviews], indent=1, ensure_ascii=False)
            archive.writestr(f"{folder}/reviews.json", reviews)
            if len(found) <= MOST_DOCUMENTS:
                made = document(service, one.case)
                archive.writestr(f"{folder}/report.pdf", made.pdf)
                archive.writestr(f"{folder}/report.pdf.sig", made.signature)
    return buffer.getvalue()

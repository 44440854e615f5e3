"""Everything that the template prints, as plain JSON values: texts, numbers and names of picture files.

Texts travel as JSON strings and are never read as markup. This module decides nothing about faces.
"""

import hashlib
from collections.abc import Iterable, Sequence

from faceagent.explain.glossary import terms
from faceagent.explain.summary.answers import answer_of
from faceagent.explain.summary.reasons import cause
from faceagent.explain.summary.sentences import sentences_in
from faceagent.intake.blobs import Blobs
from faceagent.report.headings import Headings, headings_in
from faceagent.report.pdf import pictures
from faceagent.report.pdf.case_file import CaseFile, CustodyEvent
from faceagent.report.pdf.findings import drawn, findings, operating_lines, scale, scale_zones
from faceagent.report.pdf.legible import Value
from faceagent.report.pdf.methods import methods
from faceagent.report.pdf.pictures import Files, Pixels
from faceagent.report.strips import Strip, strips
from faceagent.types import Evidence, Face, Picture, Report

MOST_DETAILED = 6
"""Faces that get pictures of heat maps, quality and muscle movements; of a crowd, the largest."""
MOST_IN_FULL = 3
"""Faces up to which every piece of evidence is printed, and not only what verdicts cite."""


def content(report: Report, source: bytes, case: CaseFile, blobs: Blobs, files: Files) -> dict[str, Value]:
    """The values of the template.

    Args:
        report: what is printed.
        source: the bytes of its ``report.json``, whose digest is printed.
        case: number, custody and sign-offs.
        blobs: holds the pixels of its pictures, see ``CaseFile.picture_kept``.
        files: gets the pictures.
    """
    words = headings_in(report.summary.language if report.summary else "en")
    digest = hashlib.sha256(source).hexdigest()
    rows = strips(report, words)
    pixels = blobs.pixels(report.picture.sha256) if report.picture is not None else None
    return {
        "language": words.language,
        "words": dict(words.tables["document"]),
        "case": case.id,
        "digest": digest,
        "title": words.document("title" if report.faces else "title_file"),
        "cover": _cover(report, case, digest, words),
        "picture": _picture(report, pixels, files, words),
        "grey": not (case.picture_kept and case.references_kept),
        "summary": _summary(report, words),
        "findings": findings(rows, report.faces, words),
        "scale": scale(words),
        "zones": scale_zones(),
        "lines": operating_lines(rows, words),
        "material": _material(report, words),
        "references": _references(report, blobs, files, words),
        "gallery": [] if pixels is None else _gallery(report, pixels, files, words),
        "faces": [] if pixels is None else _faces(report, rows, pixels, files, words),
        "crowd": _crowd(report, words),
        "methods": methods(report, words),
        "limits": list(report.limitations),
        "policy": [list(words.policy(one)) for one in report.policy],
        "policy_head": [words.say(name) for name in ("question", "decision", "rule", "purpose")],
        "refused": [f"{one.notice} ({one.rule})" for one in report.refused],
        "custody": _custody(report, case, digest, words),
        "manifest": _manifest(report, words),
        "glossary": [list(one) for one in terms(words.language)],
        "sign_offs": [
            [_moment(one.at), one.who, words.word("signed", one.decision), one.reason or ""] for one in case.sign_offs
        ],
        **_evidence(report, words),
    }


def _cover(report: Report, case: CaseFile, digest: str, words: Headings) -> list[Value]:
    """Pairs of a label and a value, and whether the value is a digest."""
    say, missing = words.document, words.document("not_recorded")
    asked = ", ".join(words.title(one) for one in report.request.questions) or say("all_questions")
    rows: list[tuple[str, str, bool]] = [
        (say("case"), case.id, False),
        (say("picture"), report.source, False),
        (say("picture_hash"), report.picture.sha256 if report.picture else missing, report.picture is not None),
        *((say("reference", id=one.id), one.sha256, True) for one in report.references),
        (say("question"), asked, False),
        (say("purpose"), words.purpose(report.request), False),
        (say("examiner"), case.examiner or missing, False),
        (say("made"), _moment(case.made), False),
        (say("made_by"), f"faceagent {report.manifest.faceagent}", False),
        (say("report_hash"), digest, True),
        (say("signed_with"), case.signing_key or say("unsigned"), case.signing_key is not None),
    ]
    return [list(row) for row in rows]


def _summary(report: Report, words: Headings) -> Value:
    if report.problem is not None:
        text = " ".join(part for part in (report.problem.message, report.problem.remedy) if part)
        reason = f"{words.say('reason_code')} {report.problem.reason}"
        return {"answer": words.document("not_analysed"), "rows": [["", text], ["", reason]]}
    if report.summary is None:
        return {"answer": "", "rows": []}
    rows = [
        ["" if place else heading, line]
        for heading, text in words.head(report.summary)
        for place, line in enumerate(text.splitlines())
    ]
    return {"answer": report.summary.answer, "rows": rows}


def _picture(report: Report, pixels: Pixels | None, files: Files, words: Headings) -> Value:
    if report.picture is None or pixels is None:
        return None
    alt = words.document("boxes", id=report.picture.id) if report.faces else words.document("picture")
    return pictures.whole(files, pixels, report.picture, report.faces, alt)


def _material(report: Report, words: Headings) -> list[Value]:
    """One table per picture: the one in question, then the references."""
    found = report.picture
    groups: list[Value] = []
    if found is not None:
        groups.append({"title": words.document("picture"), "rows": _facts(found, words, report.source)})
    for one in report.references:
        name = words.document("reference", id=one.id)
        groups.append({"title": name, "rows": _facts(one, words, one.source)})
    if report.lost_references:
        lost = [[one.source, one.problem.message] for one in report.lost_references]
        groups.append({"title": words.say("reference", id="", source="").strip(" :："), "rows": lost})
    return groups


def _facts(one: Picture, words: Headings, source: str) -> Value:
    size = words.say("size_value", width=one.width, height=one.height, format=one.format, bytes=f"{one.bytes:,}")
    rows = [
        [words.document("file_name"), source],
        ["SHA-256", one.sha256],
        [words.document("file_size"), size],
        [words.document("stored"), words.document("stored_value", mode=one.mode, orientation=one.orientation)],
        [words.document("faces_found"), words.document("none") if not one.faces_found else str(one.faces_found)],
    ]
    return [*rows, *([words.say("note"), note] for note in one.notes)]


def _references(report: Report, blobs: Blobs, files: Files, words: Headings) -> list[Value]:
    found: list[Value] = []
    for one in report.references:
        alt = words.document("reference_shown", id=one.id)
        shown = [face for face in report.reference_faces if face.picture == one.id]
        found.append(pictures.whole(files, blobs.pixels(one.sha256), one, shown, alt))
    return found


def _gallery(report: Report, pixels: Pixels, files: Files, words: Headings) -> list[Value]:
    """Every face of a picture with more faces than are described one by one."""
    if len(report.faces) <= MOST_DETAILED:
        return []
    return [[one.id, pictures.face_crop(files, pixels, one, words.say("face", id=one.id))] for one in report.faces]


def _faces(report: Report, rows: Sequence[Strip], pixels: Pixels, files: Files, words: Headings) -> list[Value]:
    return [_face(report, rows, face, pixels, files, words) for face in report.faces[:MOST_DETAILED]]


def _face(report: Report, rows: Sequence[Strip], face: Face, pixels: Pixels, files: Files, words: Headings) -> Value:
    evidence = [item for item in report.evidence if item.subject == face.id]
    own = [one for one in rows if one.verdict.subject == face.id]
    units = [item for item in evidence if item.question == "action_units" and item.score is not None]
    maps = (pictures.heat_map(files, pixels, face, item, evidence, words) for item in evidence)
    return {
        "id": face.id,
        "title": words.say("face", id=face.id),
        "crop": pictures.face_crop(files, pixels, face, words.say("face", id=face.id)),
        "geometry": _geometry(face, words),
        "strips": [drawn(one) for one in own],
        "reasons": [[one.title, why] for one in own if (why := _why(one, face, report, words))],
        "maps": [one for one in maps if one is not None],
        "quality": [
            _bar(str(name), getattr(face.quality, key), 100, "{:.0f}")
            for key, name in words.tables["components"].items()
        ],
        "units": [_unit(item, words.language) for item in units],
    }


def _why(one: Strip, face: Face, report: Report, words: Headings) -> str | None:
    """The strongest reason for an answer, or why there is none."""
    if answer_of(one.verdict) == "cannot_tell":
        return cause(sentences_in(words.language), one.verdict, face, report.evidence)
    return one.reason


def _unit(item: Evidence, language: str) -> Value:
    code, value = item.id.rpartition(":")[2], item.score.value if item.score is not None else 0.0
    name = sentences_in(language).find("units", code) or item.facts.get("name", "")
    bar = _bar(f"{code} {name}".strip(), value, 5, "{:.1f}")
    return [*bar, item.label == "present"]


def _bar(name: str, value: float, top: float, form: str) -> list[Value]:
    return [name, 100 * min(max(value / top, 0.0), 1.0), form.format(value)]


def _geometry(face: Face, words: Headings) -> str:
    x0, y0, x1, y1 = face.box
    said = words.document("geometry", width=f"{x1 - x0:.0f}", height=f"{y1 - y0:.0f}", score=f"{face.confidence:.2f}")
    if face.pose is None:
        return said
    pose = {name: f"{getattr(face.pose, name):.0f}" for name in ("yaw", "pitch", "roll")}
    return f"{said}; {words.document('geometry_pose', **pose)}"


def _crowd(report: Report, words: Headings) -> Value:
    if len(report.faces) <= MOST_DETAILED:
        return None
    return words.document("crowd", n=len(report.faces), most=MOST_DETAILED)


def _custody(report: Report, case: CaseFile, digest: str, words: Headings) -> list[Value]:
    """What happened to the picture, from the report itself and from the case, the oldest first."""
    say, run, found = words.document, report.manifest, report.picture
    program = f"faceagent {run.faceagent}"
    own: list[CustodyEvent] = []
    if found is not None:
        if all(event.kind != "received" for event in case.custody):
            detail = say("received_detail", source=report.source, bytes=f"{found.bytes:,}")
            own.append(CustodyEvent(at=run.created, kind="received", details=(detail,)))
        own.append(CustodyEvent(at=run.created, kind="hashed", who=program, details=(found.sha256,)))
    done = say("analysed_detail", version=run.faceagent, profile=run.profile)
    own.append(CustodyEvent(at=run.created, kind="analysed", who=program, details=(done,)))
    events = sorted([*own, *case.custody], key=lambda event: event.at or "")
    made = (say("printed_detail"), digest)
    events.append(CustodyEvent(at=case.made, kind="printed", who=case.examiner or program, details=made))
    missing = say("not_recorded")
    return [
        [_moment(one.at) if one.at else missing, say(one.kind), one.who or missing, _details(one, words)]
        for one in events
    ]


def _details(one: CustodyEvent, words: Headings) -> list[Value]:
    return [words.word("signed", text) if one.kind == "reviewed" else text for text in one.details]


def _manifest(report: Report, words: Headings) -> Value:
    run, say = report.manifest, words.document
    settings = [[name, "" if value is None else str(value)] for name, value in run.settings.items()]
    versions = [["faceagent", run.faceagent], ["Python", run.python], *([name, v] for name, v in run.packages.items())]
    return {
        "versions": [*versions, *([["platform", run.platform]] if run.platform else []), [say("seed"), str(run.seed)]],
        "settings": settings or [["", say("settings_unknown")]],
        "weights": [[one.id, one.sha256] for one in run.weights],
    }


def _evidence(report: Report, words: Headings) -> dict[str, Value]:
    """The rows of the appendix, and the sentence that says whether they are all of them."""
    chosen: Iterable[Evidence] = report.evidence
    note = words.document("appendix_note")
    if len(report.faces) > MOST_IN_FULL:
        cited = {name for one in report.verdicts for name in (*one.supports, *one.contradicts)}
        chosen = [item for item in report.evidence if item.id in cited]
        note += " " + words.document("appendix_cited", total=len(report.evidence), n=len(chosen))
    return {"appendix": [_evidence_row(item) for item in chosen], "appendix_note": note}


def _evidence_row(item: Evidence) -> Value:
    value = "" if item.score is None else f"{item.score.value:.4g} {item.score.scale}"
    status = "" if item.status == "ok" else f"{item.status.replace('_', ' ')}: {item.reason or ''}"
    return [item.id, item.statement, value or status, f"{item.tool.name} {item.tool.version}"]


def _moment(text: str) -> str:
    """A moment as "2026-01-31 12:00:00 UTC", or as it stands where it is none."""
    return text.replace("T", " ").removesuffix("+00:00").removesuffix("Z") + " UTC" if "T" in text else text

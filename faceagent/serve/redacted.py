"""A report about one face for others to see: other faces are made unrecognisable, what names anything is removed."""

import cv2
import numpy as np
from numpy.typing import NDArray

from faceagent import report as reports
from faceagent.explain import summarize
from faceagent.intake import MemoryBlobs, pixels_of
from faceagent.settings import Settings
from faceagent.types import Report

GROWTH = 0.35
"""Hair and ears tell a person as well: what is blurred reaches beyond the box by this share of its side."""
CELLS = 8
"""A face is first made of so few squares that no filter brings it back."""
NOTICE = "Other faces were made unrecognisable, and the file's name and metadata were removed."
NAME = "redacted picture"

Pixels = NDArray[np.uint8]


def redacted_page(report: Report, picture: bytes, face: str, settings: Settings) -> str:
    """The page about that face alone."""
    shown = redact(report, face)
    blobs = MemoryBlobs()
    if shown.picture is not None:
        blobs.put_pixels(shown.picture.sha256, hide_faces(pixels_of(picture, settings), report, face))
    return reports.render(shown, blobs)


def redact(report: Report, face: str) -> Report:
    """The report without other faces, references, what the file says of itself, and its name."""
    kept = tuple(one for one in report.faces if one.id == face)
    about = {face, *([] if report.picture is None else [report.picture.id])}
    evidence = tuple(one for one in report.evidence if one.subject in about and one.question != "provenance")
    verdicts = tuple(one for one in report.verdicts if one.subject == face)
    language = report.summary.language if report.summary else "en"
    picture = None if report.picture is None else report.picture.model_copy(update={"source": NAME, "notes": ()})
    return report.model_copy(
        update={
            "source": NAME,
            "picture": picture,
            "faces": kept,
            "evidence": evidence,
            "verdicts": verdicts,
            "summary": summarize(verdicts, evidence, kept, language=language),
            "explanations": tuple(one for one in report.explanations if one.subject == face),
            "rollups": (),
            "references": (),
            "lost_references": (),
            "reference_faces": (),
            "limitations": (NOTICE, *report.limitations),
        }
    )


def hide_faces(pixels: Pixels, report: Report, face: str) -> Pixels:
    """H×W×3 uint8 RGB with every face but that one made of a few blurred squares."""
    made = pixels.copy()
    height, width = pixels.shape[:2]
    for one in report.faces:
        if one.id == face:
            continue
        x0, y0, x1, y1 = one.box
        grown = GROWTH * max(x1 - x0, y1 - y0)
        left, top = max(0, int(x0 - grown)), max(0, int(y0 - grown))
        right, bottom = min(width, int(x1 + grown) + 1), min(height, int(y1 + grown) + 1)
        if right <= left or bottom <= top:
            continue
        part = made[top:bottom, left:right]
        few = cv2.resize(part, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
        made[top:bottom, left:right] = cv2.resize(few, part.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return made

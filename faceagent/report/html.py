"""The HTML view: one self-contained file, no script, no remote asset, everything escaped.

This module prepares plain values for the templates and decides nothing about faces.
"""

import base64
import hashlib
import io
from collections.abc import Sequence
from functools import cache
from importlib import resources

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from numpy.typing import NDArray
from PIL import Image

from faceagent.explain import summarize
from faceagent.explain.heat import HOT
from faceagent.intake.blobs import Blobs
from faceagent.judge import PICTURE_QUESTIONS
from faceagent.report.headings import Headings, headings_in
from faceagent.report.overlay import overlay
from faceagent.report.strips import Strip, strip, zones
from faceagent.types import SUBJECT, Evidence, Explanation, Face, Question, Report, Step

PICTURE_SIDE = 1000
"""px, longer side of the embedded picture; boxes and landmarks are drawn as vectors over it."""

CROP_SIDE = 144
THUMBNAIL_SIDE = 96
CROWD = 3
"""Faces up to which every explanation is expanded; with more faces all are collapsed."""
MESH_FACES = 8
"""Faces up to which the 478 landmarks are drawn; with more faces the dots would hide the picture."""

TOLD: tuple[Question, ...] = ("identity", "forgery", "morph", "spoof", "expression")
"""Questions whose reason stands in the main flow."""
COMPONENTS = ("sharpness", "illumination", "exposure", "resolution", "pose", "visibility")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("faceagent.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # A zero-width space after each plus lets a FACS code break between its units and nowhere else.
    environment.filters["words"] = lambda text: str(text).replace("_", " ").replace("+", "+\u200b")
    environment.globals["zones"] = zones()
    return environment


@cache
def _style() -> tuple[str, str]:
    """The style sheet and the source expression that lets it, and nothing else, through the policy."""
    text = resources.files("faceagent.report").joinpath("templates/report.css").read_text(encoding="utf-8")
    return text, "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def render(report: Report, blobs: Blobs) -> str:
    """The report as one HTML document. ``blobs`` must still hold the pixels of its picture."""
    css, source = _style()
    pixels = blobs.pixels(report.picture.sha256) if report.picture else None
    words = headings_in(report.summary.language if report.summary else "en")
    return (
        _environment()
        .get_template("report.html")
        .render(
            report=report,
            words=words,
            say=words.say,
            css=css,
            style_source=source,
            picture=_data_uri(pixels, PICTURE_SIDE) if pixels is not None else None,
            faces=[_card(report, face, pixels, words) for face in report.faces if pixels is not None],
            whole=[one for one in _strips(report, words) if one.verdict.question in PICTURE_QUESTIONS],
            whole_evidence=[item for item in report.evidence if item.subject == SUBJECT],
            whole_explanations=[_by_section(one) for one in report.explanations if one.question in PICTURE_QUESTIONS],
            references=[
                {"picture": picture, "uri": _data_uri(blobs.pixels(picture.sha256), 2 * CROP_SIDE)}
                for picture in report.references
            ],
            mesh=len(report.faces) <= MESH_FACES,
            crowd=len(report.faces) > CROWD,
        )
    )


def render_index(rows: Sequence[object], language: str = "en") -> str:
    """A page over several reports, one ``write.IndexEntry`` each, with its headings in a language."""
    css, source = _style()
    words = headings_in(language)
    page = _environment().get_template("index.html")
    return page.render(rows=rows, words=words, say=words.say, css=css, style_source=source)


def _card(report: Report, face: Face, pixels: NDArray[np.uint8], words: Headings) -> dict[str, object]:
    evidence = [item for item in report.evidence if item.subject == face.id]
    units = [item for item in evidence if item.question == "action_units" and item.score is not None]
    strips = [one for one in _strips(report, words) if one.verdict.subject == face.id]
    return {
        "face": face,
        "crop": _data_uri(_crop(pixels, face), CROP_SIDE),
        "dots": "".join(f"M{x:.1f} {y:.1f}h0" for x, y in (face.landmarks or face.points5)),
        "strips": strips,
        "why": [one for one in strips if one.reason and one.verdict.question in TOLD],
        "units": [{"name": item.id.rpartition(":")[2], "item": item} for item in units],
        "maps": [_map(pixels, face, item, evidence) for item in evidence if item.heatmap],
        "quality": [(name, getattr(face.quality, name)) for name in ("unified", *COMPONENTS)],
        "explanations": [_by_section(one) for one in report.explanations if one.subject == face.id],
        "evidence": evidence,
    }


def _strips(report: Report, words: Headings) -> list[Strip]:
    """One strip per verdict, the most important one first; also of a report from before there was a summary."""
    verdicts = {verdict.id: verdict for verdict in report.verdicts}
    summary = report.summary or summarize(report.verdicts, report.evidence, report.faces)
    return [strip(verdicts[one.verdict], one, words) for one in summary.findings if one.verdict in verdicts]


def _map(pixels: NDArray[np.uint8], face: Face, item: Evidence, evidence: Sequence[Evidence]) -> dict[str, object]:
    """The overlay of one item's heat map; the region that the same tool scored highest is marked, if it is hot."""
    regional = {one.region: one.score.value for one in evidence if one.tool == item.tool and one.region and one.score}
    top = max(regional, key=lambda region: regional[region], default=None)
    hot = top if top is not None and regional[top] >= HOT else None
    picture = overlay(pixels, item.heatmap, face.landmarks, hot) if item.heatmap else pixels
    return {
        "item": item,
        "uri": _data_uri(picture, max(picture.shape[:2])),
        "hot": hot,
        "score": regional[hot] if hot else None,
    }


def _by_section(explanation: Explanation) -> dict[str, object]:
    """An explanation with its steps grouped by section, in order."""
    sections: dict[str, list[Step]] = {}
    for step in explanation.steps:
        sections.setdefault(step.section, []).append(step)
    return {"explanation": explanation, "sections": sections}


def _crop(pixels: NDArray[np.uint8], face: Face) -> NDArray[np.uint8]:
    """A square around the face with a quarter of its side as margin, cut at the picture's edge."""
    x0, y0, x1, y1 = face.box
    half = 0.75 * max(x1 - x0, y1 - y0)
    height, width = pixels.shape[:2]
    left, right = (int(np.clip((x0 + x1) / 2 + sign * half, 0, width)) for sign in (-1, 1))
    top, bottom = (int(np.clip((y0 + y1) / 2 + sign * half, 0, height)) for sign in (-1, 1))
    return pixels[top : max(bottom, top + 1), left : max(right, left + 1)]


def thumbnail(pixels: NDArray[np.uint8]) -> str:
    """A small copy of a picture as a ``data:`` URL."""
    # Every report gets one: of a large picture a part of the pixels is enough.
    step = max(1, max(pixels.shape[:2]) // (8 * THUMBNAIL_SIDE))
    return _data_uri(np.ascontiguousarray(pixels[::step, ::step]), THUMBNAIL_SIDE)


def _lossless(pixels: NDArray[np.uint8]) -> str:
    """A drawing as a ``data:`` URL: JPEG would smear its lines and its scale."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _data_uri(pixels: NDArray[np.uint8], side: int) -> str:
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=86)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()

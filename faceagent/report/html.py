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

from faceagent.explain.summary.sentences import sentences_in
from faceagent.intake.blobs import Blobs
from faceagent.judge import PICTURE_QUESTIONS
from faceagent.report import figures
from faceagent.report.headings import Headings, headings_in
from faceagent.report.overlay import overlay
from faceagent.report.strips import strips, zones
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
    folder = resources.files("faceagent.report").joinpath("templates")
    text = "".join(folder.joinpath(name).read_text(encoding="utf-8") for name in ("tokens.css", "report.css"))
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
            whole=[one for one in strips(report, words) if one.verdict.question in PICTURE_QUESTIONS],
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
    own = [one for one in strips(report, words) if one.verdict.subject == face.id]
    return {
        "face": face,
        "crop": _data_uri(figures.crop(pixels, face), CROP_SIDE),
        "dots": "".join(f"M{x:.1f} {y:.1f}h0" for x, y in (face.landmarks or face.points5)),
        "strips": own,
        "why": [one for one in own if one.reason and one.verdict.question in TOLD],
        "units": [{"name": _unit(item, words.language), "item": item} for item in units],
        "maps": [_map(pixels, face, item, evidence, words.language) for item in evidence if item.heatmap],
        "quality": [(name, getattr(face.quality, key)) for key, name in words.tables["components"].items()],
        "explanations": [_by_section(one) for one in report.explanations if one.subject == face.id],
        "evidence": evidence,
    }


def _unit(item: Evidence, language: str) -> str:
    """A muscle movement by its code and its name in a language: "AU12 pulled-up lip corners"."""
    code = item.id.rpartition(":")[2]
    return f"{code} {sentences_in(language).find('units', code) or item.facts.get('name', '')}".strip()


def _map(
    pixels: NDArray[np.uint8], face: Face, item: Evidence, evidence: Sequence[Evidence], language: str
) -> dict[str, object]:
    """The overlay of one item's heat map; the region that the same tool scored highest is marked, if it is hot."""
    hot, score = figures.hot_region(item, evidence)
    picture = overlay(pixels, item.heatmap, face.landmarks, hot) if item.heatmap else pixels
    return {
        "item": item,
        "uri": _data_uri(picture, max(picture.shape[:2])),
        "hot": hot,
        "place": hot and figures.region_words(hot, language),
        "score": score,
    }


def _by_section(explanation: Explanation) -> dict[str, object]:
    """An explanation with its steps grouped by section, in order."""
    sections: dict[str, list[Step]] = {}
    for step in explanation.steps:
        sections.setdefault(step.section, []).append(step)
    return {"explanation": explanation, "sections": sections}


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
    return "data:image/jpeg;base64," + base64.b64encode(figures.jpeg(pixels, side)).decode()

"""A case as a page draws it: summary and strips in the reader's language, outlines of the parts of every face.

Only presentation: everything here is read from the report, and nothing is measured or decided.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import PurePath

import numpy as np
from pydantic import Field

from faceagent.explain.summary import summary_of
from faceagent.faces.needs import table
from faceagent.faces.parts import outline
from faceagent.report.headings import Headings, headings_in
from faceagent.report.strips import Strip, strip, tone_of, zones
from faceagent.storage.database.cases import Case
from faceagent.types import (
    PARTS,
    Evidence,
    Face,
    FacePart,
    FrozenModel,
    Question,
    Region,
    Report,
    Summary,
    SummaryLanguage,
)

OUTLINED_FACES = 24
"""Faces whose parts are outlined; with more, their boxes alone are drawn."""
LONGEST_STEM, SHORT = 60, 8
"""Characters of a picture's name, and digits of a case's, in the names of its files."""
_NO_NAME = re.compile(r"[^\w.() -]+")
_UNIT = re.compile(r":AU(\d+)$")
_AREAS: Mapping[Region, tuple[FacePart, ...]] = {
    "left_eye": ("left_eye",),
    "right_eye": ("right_eye",),
    "nose": ("nose",),
    "mouth": ("mouth",),
    "skin": ("forehead", "right_cheek", "left_cheek", "chin"),
}


class BarView(FrozenModel):
    """A value with its interval, in per cent of the width of an axis."""

    value: float
    low: float
    high: float
    ends: tuple[str, str] | None = Field(description="what the left and the right end stand for; null: 0 to 100 %")
    text: str = Field(description="the number and its words")


class StripView(FrozenModel):
    """One verdict: what the page says of it, in the reader's language."""

    verdict: str
    question: Question
    subject: str
    title: str
    tone: str = Field(description="alarm, open, calm or plain")
    answer: str
    reason: str | None
    bar: BarView | None


class Zone(FrozenModel):
    """A part of the verbal scale, in per cent of the width."""

    left: float
    width: float
    words: str


class CaseView(FrozenModel):
    """Beside the report: what a page needs to draw it."""

    case_id: str
    created: float
    expires: float
    kept: bool = Field(description="whether the picture can be shown")
    references_kept: tuple[str, ...] = Field(description="ids of the references that can be shown")
    file_stem: str = Field(description="what its files are called, without their ending")
    summary: Summary
    tone: str = Field(description="of the summary: that of the most cautious strip")
    tones: dict[str, str] = Field(description="likewise, by subject")
    strips: tuple[StripView, ...] = Field(description="the most important one first")
    zones: tuple[Zone, ...]
    outlines: dict[str, dict[FacePart, tuple[tuple[float, float], ...]]] = Field(
        description="per face and part: a polygon in px of the picture; left out where there are many faces"
    )
    areas: dict[str, tuple[FacePart, ...]] = Field(description="per evidence: the parts of the face it is about")


def case_view(case: Case, kept: Collection[str], language: SummaryLanguage) -> CaseView:
    """The view of a case in a language.

    Args:
        case: with its report.
        kept: sha256 of the references whose bytes were kept.
        language: of its words.
    """
    report = Report.model_validate_json(case.report or b"")
    words = headings_in(language)
    summary = summary_of(report, language)
    verdicts = {one.id: one for one in report.verdicts}
    found = [strip(verdicts[one.verdict], one, words) for one in summary.findings if one.verdict in verdicts]
    return CaseView(
        case_id=case.id,
        created=case.created,
        expires=case.expires,
        kept=case.picture is not None and report.picture is not None,
        references_kept=tuple(one.id for one in report.references if one.sha256 in kept),
        file_stem=file_stem(case.id, report.source),
        summary=summary,
        tone=tone_of(found),
        tones={subject: tone_of(rows) for subject, rows in _by_subject(found).items()},
        strips=tuple(_strip(one) for one in found),
        zones=tuple(_zone(one, words) for one in zones()),
        outlines={face.id: _outlines(face) for face in report.faces[:OUTLINED_FACES] if face.landmarks},
        areas={one.id: parts for one in report.evidence if (parts := areas_of(one))},
    )


def file_stem(case_id: str, source: str) -> str:
    """What files of a case are called, without their ending: the picture's name and the first digits of the case's id.

    What a file system or a header may not take is left out.
    """
    name = _NO_NAME.sub("_", PurePath(source).stem)[:LONGEST_STEM].strip("._ ")
    return "-".join(filter(None, (name, case_id.removeprefix("case_")[:SHORT])))


def in_language(report: Report, language: SummaryLanguage | None) -> Report:
    """The report with its summary in a language, which is also that of its page and its document; None: as it is."""
    return report if language is None else report.model_copy(update={"summary": summary_of(report, language)})


def _by_subject(strips: Iterable[Strip]) -> dict[str, list[Strip]]:
    groups: dict[str, list[Strip]] = {}
    for one in strips:
        groups.setdefault(one.verdict.subject, []).append(one)
    return groups


def _strip(one: Strip) -> StripView:
    return StripView(
        verdict=one.verdict.id,
        question=one.verdict.question,
        subject=one.verdict.subject,
        title=one.title,
        tone=one.tone,
        answer=one.answer,
        reason=one.reason,
        bar=None if one.bar is None else BarView(**one.bar._asdict()),
    )


def _zone(one: tuple[float, float, str], words: Headings) -> Zone:
    left, width, name = one
    return Zone(left=left, width=width, words=words.support(name.replace(" ", "_")))


def _outlines(face: Face) -> dict[FacePart, tuple[tuple[float, float], ...]]:
    points = np.asarray(face.landmarks, dtype=np.float64)
    return {part: tuple((round(float(x), 1), round(float(y), 1)) for x, y in outline(points, part)) for part in PARTS}


def areas_of(item: Evidence) -> tuple[FacePart, ...]:
    """The parts of a face that a piece of evidence is about; none where it is about the whole face or picture."""
    unit = _UNIT.search(item.id)
    if unit is not None:
        need = table().action_unit.get(int(unit[1]))
        return () if need is None else need.all
    return () if item.region is None else _AREAS.get(item.region, ())

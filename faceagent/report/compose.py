"""Composes a report: the results of one run, their limitations, and the manifest needed to repeat the run."""

import hashlib
import platform
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib import metadata

from faceagent import judge
from faceagent.explain import summarize
from faceagent.faces import MOST_FACES, search_notes
from faceagent.settings import Settings
from faceagent.types import (
    SUBJECT,
    Evidence,
    Explanation,
    Face,
    LostReference,
    Manifest,
    Picture,
    PolicyDecision,
    Problem,
    Report,
    Request,
    Verdict,
    WeightStamp,
)
from faceagent.version import __version__

PACKAGES = ("langgraph", "numpy", "onnxruntime", "opencv-python-headless", "pillow", "pydantic", "torch")
"""Packages whose version can change a measured number, or the record of it."""

ALWAYS = (
    "Every figure is a measurement by a model with known error rates; none is proof on its own.",
    "Calibrations were fitted on the sets that their cards name. On other cameras, ages and groups they can be off.",
)


def compose(
    *,
    request: Request,
    settings: Settings,
    source: str,
    problems: tuple[Problem, ...],
    pictures: tuple[Picture, ...],
    references: tuple[Picture, ...],
    lost_references: tuple[LostReference, ...],
    faces: tuple[Face, ...],
    reference_faces: tuple[Face, ...],
    evidence: tuple[Evidence, ...],
    verdicts: tuple[Verdict, ...],
    explanations: tuple[Explanation, ...],
    decisions: tuple[PolicyDecision, ...],
    timings_ms: Mapping[str, float],
) -> Report:
    """The report on one picture. ``pictures`` and ``problems`` hold one item between them: it was read, or not."""
    return Report(
        request=request,
        source=source,
        summary=summarize(
            verdicts,
            evidence,
            faces,
            style=settings.style,
            language=settings.language,
            everything=not request.questions,
            problem=problems[0] if problems else None,
            refused=decisions,
        ),
        problem=problems[0] if problems else None,
        picture=pictures[0] if pictures else None,
        references=references,
        lost_references=lost_references,
        faces=faces,
        reference_faces=reference_faces,
        evidence=evidence,
        verdicts=verdicts,
        rollups=judge.aggregate(verdicts),
        explanations=explanations,
        policy=decisions,
        limitations=(
            *_left_out(pictures, faces, settings.max_faces),
            *_left_out(references, reference_faces, MOST_FACES),
            *_limitations(evidence, decisions, lost_references),
        ),
        manifest=Manifest(
            faceagent=__version__,
            python=platform.python_version(),
            packages=_versions(),
            profile=settings.profile,
            seed=settings.seed,
            platform=f"{platform.system()} {platform.machine()}",
            settings=_settings(settings),
            weights=_weights(evidence),
            created=datetime.now(UTC).isoformat(timespec="seconds"),
            timings_ms=timings_ms,
        ),
    )


def _left_out(pictures: Iterable[Picture], faces: Sequence[Face], most: int) -> Iterable[str]:
    """That faces were left out or not looked for, for every picture of which that is so."""
    for picture in pictures:
        kept = sum(face.picture == picture.id for face in faces)
        for note in search_notes(picture, kept, most):
            yield note if picture.id == SUBJECT else f"Reference {picture.id}: {note}"


def _limitations(
    evidence: Iterable[Evidence], decisions: Iterable[PolicyDecision], lost: Iterable[LostReference]
) -> Iterable[str]:
    """What a reader must know before relying on the report; each sentence once."""
    said: dict[str, None] = {}
    for one in lost:
        said[f"The reference {one.source} could not be used: {one.problem.message}"] = None
    for decision in decisions:
        if decision.notice is not None:
            said[f"{decision.notice} ({decision.rule})"] = None
    for item in evidence:
        if item.status in ("unavailable", "failed"):
            said[item.statement] = None
        limit = item.facts.get("limit")
        if isinstance(limit, str):
            said[limit] = None
    return (*said, *ALWAYS)


def _weights(evidence: Iterable[Evidence]) -> tuple[WeightStamp, ...]:
    stamps = {stamp.id: stamp for item in evidence for stamp in item.tool.weights}
    return tuple(stamps[name] for name in sorted(stamps))


def _settings(settings: Settings) -> dict[str, str | int | float | bool | None]:
    """The settings that decide, without addresses and paths of this machine: of a file its digest is kept."""
    found: dict[str, str | int | float | bool | None] = settings.deciding
    del found["vlm_endpoint"], found["trust_anchors"]
    if settings.trust_anchors is not None:
        with suppress(OSError):
            found["trust_anchors_sha256"] = hashlib.sha256(settings.trust_anchors.read_bytes()).hexdigest()
    return found


@cache
def _versions() -> dict[str, str]:
    """Installed versions; asked once, because reading package metadata takes longer than weighing the evidence."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found

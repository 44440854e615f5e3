"""The way from pictures to reports as plain functions, one per arrow of docs/architecture.md.

The nodes of both graphs (``nodes`` for ``analyze``, ``chat/steps`` for conversations) fetch records by key, call one
of these functions and store what it returns; they decide nothing. The evaluation calls the same functions.
"""

import logging
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

from faceagent import faces, intake, judge, report
from faceagent.agent.runtime import map_each
from faceagent.errors import FaceagentError
from faceagent.explain import VlmExplainer
from faceagent.faces import FoundFaces
from faceagent.intake import Blobs
from faceagent.settings import Settings
from faceagent.storage.keys import name_in
from faceagent.tools.base import LATE, Tool, ToolSpec, View, measure, never
from faceagent.tools.visibility import with_occlusion
from faceagent.types import (
    QUESTIONS,
    Evidence,
    Explanation,
    Face,
    LostReference,
    Picture,
    PolicyDecision,
    Problem,
    Question,
    Report,
    Request,
    Source,
    Verdict,
)

logger = logging.getLogger(__name__)

EVERY_FACE = frozenset[Question]({"identity"})
"""Questions that are answered for every face of a crowd, also beyond ``settings.max_faces``."""

MORE_TIME = "Raise FACEAGENT_PICTURE_SECONDS, or analyse it again when the machine has less to do."


@dataclass(frozen=True)
class Findings:
    """Everything recorded about one picture asked about; either ``picture`` or ``problem`` is there."""

    source: str
    picture: Picture | None = None
    problem: Problem | None = None
    faces: tuple[Face, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    explanations: tuple[Explanation, ...] = ()


@dataclass(frozen=True)
class ReferenceFindings:
    """The reference pictures of a run, their faces, and the references that could not be read."""

    pictures: tuple[Picture, ...] = ()
    faces: tuple[Face, ...] = ()
    lost: tuple[LostReference, ...] = ()


def load_images(
    sources: Mapping[str, Source], blobs: Blobs, settings: Settings, pool: Executor
) -> dict[str, Picture | Problem]:
    """Read and decode pictures in parallel; bytes and pixels go into ``blobs``. Never raises for content.

    Args:
        sources: by record key, "0/P1" or "ref/R1"; what follows the slash becomes the picture's id.
        blobs: where bytes and pixels are kept.
        settings: limits on bytes and pixels, and the rules for URLs.
        pool: threads that read.
    """

    def load(key: str) -> Picture | Problem:
        return intake.take(sources[key], blobs, settings, id=name_in(key))

    return dict(zip(sources, map_each(pool, load, list(sources)), strict=True)) if sources else {}


def find_faces(
    pictures: Mapping[str, Picture],
    blobs: Blobs,
    settings: Settings,
    pool: Executor,
    *,
    every_face: Container[str] = (),
    is_late: Callable[[], bool] = never,
) -> dict[str, FoundFaces | Problem]:
    """The faces of every picture, by the picture's key, largest first; none is an answer.

    A face finder that crashes on one picture gives that picture a Problem and costs the others nothing.

    Args:
        pictures: what to search, by key.
        blobs: where the pixels are.
        settings: the cap on the faces of one picture.
        pool: threads that search.
        every_face: keys of the pictures to which the cap does not apply.
        is_late: whether the time for these pictures is over; a picture that is not begun by then is a problem.
    """

    def find(key: str) -> FoundFaces | Problem:
        picture = pictures[key]
        if is_late():
            return Problem(
                reason="too_slow", message=f"This picture was not searched for faces: {LATE}.", remedy=MORE_TIME
            )
        limit = faces.MOST_FACES if key in every_face else settings.max_faces
        try:
            return faces.search_faces(picture, blobs.pixels(picture.sha256), settings, limit=limit)
        except FaceagentError:
            raise
        except Exception as error:
            return _crashed("face finder", picture, error)

    if not pictures:
        return {}
    found = dict(zip(pictures, map_each(pool, find, list(pictures)), strict=True))
    with_faces = {key: some for key, some in found.items() if not isinstance(some, Problem)}
    return {**found, **_cover(with_faces, pictures, blobs, settings)}


def _cover(
    found: Mapping[str, FoundFaces], pictures: Mapping[str, Picture], blobs: Blobs, settings: Settings
) -> dict[str, FoundFaces | Problem]:
    """The faces with what covers their parts: all in one batch, or one by one where the batch crashes."""
    views = [(partial(blobs.pixels, pictures[key].sha256), some.faces) for key, some in found.items()]
    try:
        covered = with_occlusion(views, settings)
        return {key: some._replace(faces=faces) for (key, some), faces in zip(found.items(), covered, strict=True)}
    except FaceagentError:
        raise
    except Exception as error:
        if len(found) == 1:
            return {key: _crashed("occlusion detector", pictures[key], error) for key in found}
    return {
        key: one for alone in found for key, one in _cover({alone: found[alone]}, pictures, blobs, settings).items()
    }


def _crashed(what: str, picture: Picture, error: Exception) -> Problem:
    """The problem with a picture on which a mistake of ours came to light; the others of its batch go on."""
    logger.error("the %s crashed on %s", what, picture.sha256[:12], exc_info=error)
    if isinstance(error, OSError | MemoryError):
        # Not the picture's fault: a full disk, a folder that is gone, no memory left.
        why = getattr(error, "strerror", None) or "there is no memory left"
        words = f"The {what} could not work on this picture: {why}."
        return Problem(reason="crashed", message=words, remedy="Free some space or memory, and analyse it again.")
    words = f"The {what} failed on this picture ({type(error).__name__})."
    return Problem(reason="crashed", message=words, remedy="Please report this picture.")


def required_tools(
    questions: Iterable[Question], specs: Iterable[ToolSpec], *, has_vlm: bool, brief: bool = False
) -> dict[str, tuple[Question, ...]]:
    """The tools that these questions need, in the order of ``specs``, each with what it is to answer.

    Args:
        questions: what policy allows to answer.
        specs: the tools there are.
        has_vlm: whether a vision-language model's own reading was asked for and is there.
        brief: whether a short answer is wanted, which leaves out tools that add only detail.
    """
    wanted = {source for question in questions for source in judge.sources(question)}
    return {
        spec.name: answers
        for spec in specs
        if (answers := tuple(question for question in spec.questions if question in wanted))
        and (has_vlm or "model" not in spec.needs)
        and not (brief and spec.skip_when_brief)
    }


def run_tool(
    tool: Tool, views: Sequence[View], questions: Sequence[Question], *, is_late: Callable[[], bool] = never
) -> list[tuple[Evidence, ...]]:
    """Evidence about every view, in order. Never raises for content, see ``tools.base.measure``.

    A tool that answers several questions records only what bears on those asked and allowed. Where ``is_late``, what
    is left is not measured.
    """
    return [
        tuple(item for item in group if any(judge.bears_on(question, item) for question in questions))
        for group in measure(tool, views, is_late)
    ]


def weigh(
    questions: Sequence[Question],
    picture: Picture,
    found: Sequence[Face],
    evidence: Sequence[Evidence],
    *,
    most_faces: int | None = None,
) -> tuple[Verdict, ...]:
    """The judge's verdicts on one picture: per question in the order of ``QUESTIONS``, per face or for the picture.

    Args:
        questions: what policy allows to answer.
        picture: the picture asked about.
        found: its faces, largest first.
        evidence: everything recorded about it.
        most_faces: the cap on faces that were analysed, None: no cap; identity is decided for every face.
    """
    largest = found[:most_faces]
    return tuple(
        verdict
        for question in QUESTIONS
        if question in questions
        for verdict in judge.answer(question, picture, found if question in EVERY_FACE else largest, evidence)
    )


def explain(
    verdicts: Sequence[Verdict],
    evidence: Sequence[Evidence],
    explainer: VlmExplainer | None,
    crops: Mapping[str, Callable[[], bytes]],
) -> tuple[Explanation, ...]:
    """An explanation per verdict, in order, checked against the evidence.

    Args:
        verdicts: about one picture.
        evidence: everything recorded about that picture.
        explainer: asks the vision-language model; None: the template explains.
        crops: the face with that id as the model sees it, PNG; faces that are missing are explained by the template.
    """
    writer = explainer or VlmExplainer(None)
    return tuple(writer.explain(verdict, evidence, crops.get(verdict.subject)) for verdict in verdicts)


def compose_report(
    request: Request,
    settings: Settings,
    found: Findings,
    references: ReferenceFindings,
    decisions: Sequence[PolicyDecision],
    *,
    tools: Iterable[str],
    timings_ms: Mapping[str, float],
) -> Report:
    """The report on one picture; its evidence stands face by face and, within a face, in the order of ``tools``."""
    places = {face.id: place for place, face in enumerate(found.faces)}
    ranks = {name: rank for rank, name in enumerate(tools)}
    return report.compose(
        request=request,
        settings=settings,
        source=found.source,
        problems=() if found.problem is None else (found.problem,),
        pictures=() if found.picture is None else (found.picture,),
        references=references.pictures,
        lost_references=references.lost,
        faces=found.faces,
        reference_faces=references.faces,
        evidence=tuple(
            sorted(found.evidence, key=lambda one: (places.get(one.subject, -1), ranks.get(one.tool.name, len(ranks))))
        ),
        verdicts=found.verdicts,
        explanations=found.explanations,
        decisions=tuple(sorted(decisions, key=lambda one: QUESTIONS.index(one.question))),
        timings_ms=timings_ms,
    )

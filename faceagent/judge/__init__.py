"""The judge decides the verdict from the evidence that the tools recorded, and from nothing else.

It reads evidence, never pixels. A model may explain a verdict later, and may disagree in its explanation, but
nothing after this package changes a verdict.
"""

from collections.abc import Callable, Sequence

from faceagent.faces.needs import clause, hidden_for, hidden_parts
from faceagent.judge import decide, identity, provenance
from faceagent.judge.action import action_of
from faceagent.judge.aggregate import aggregate
from faceagent.types import Evidence, Face, Picture, Question, Verdict

__all__ = ["PICTURE_QUESTIONS", "aggregate", "answer", "bears_on", "sources", "weigh"]

PICTURE_QUESTIONS: frozenset[Question] = frozenset({"provenance"})
"""Questions about the picture as a whole; all others are asked of each face."""

_DECISIONS: dict[Question, Callable[[Question, str, Sequence[Evidence]], Verdict]] = {
    "expression": decide.choice,
    "action_units": decide.facs,
    "forgery": decide.binary,
    "morph": decide.binary,
    "spoof": decide.binary,
    "identity": identity.decide,
    "age": decide.interval,
    "gender": decide.binary,
    "provenance": provenance.decide,
}


_SOURCES: dict[Question, tuple[Question, ...]] = {
    "expression": ("expression", "action_units"),
    "identity": identity.SOURCES,
}


def weigh(question: Question, subject: Face | Picture, evidence: Sequence[Evidence]) -> Verdict:
    """The verdict on ``question`` about ``subject`` from the evidence about it, with the recommended action.

    ``evidence`` is everything recorded about the picture; only what concerns this subject and question is used. This
    is the one place that selects it.
    """
    verdict = _weigh(question, subject, evidence)
    return verdict.model_copy(update={"action": action_of(verdict)})


def _weigh(question: Question, subject: Face | Picture, evidence: Sequence[Evidence]) -> Verdict:
    about = {subject.id}
    if isinstance(subject, Face):
        about.add(subject.picture)
        if question == "quality":
            return _quality(subject, evidence)
        reasons = subject.reasons.get(question, ())
        if reasons:
            missing = hidden_for(subject, question)
            own = {one.reason for one in missing}
            words = [
                *([clause(missing)] if missing else []),
                *(one.replace("_", " ") for one in reasons if one not in own),
            ]
            start = f"this face cannot be used for {question.replace('_', ' ')}"
            return decide.abstain(question, subject.id, "face_unusable", f"{start}: {', '.join(words)}")
    bearing = [item for item in evidence if item.subject in about and bears_on(question, item)]
    return _DECISIONS[question](question, subject.id, bearing)


def answer(
    question: Question, picture: Picture, faces: Sequence[Face], evidence: Sequence[Evidence]
) -> tuple[Verdict, ...]:
    """The verdicts on one question about one picture: one for the picture as a whole, or one per face."""
    if question in PICTURE_QUESTIONS:
        return (weigh(question, picture, evidence),)
    if not faces:
        return (decide.abstain(question, picture.id, "no_face", "no face was found in this picture"),)
    return tuple(weigh(question, face, evidence) for face in faces)


def bears_on(question: Question, item: Evidence) -> bool:
    """Whether evidence counts for a question."""
    return item.question in sources(question)


def sources(question: Question) -> tuple[Question, ...]:
    """Questions whose evidence counts for ``question``: itself, for expression and identity also those they rest on."""
    return _SOURCES.get(question, (question,))


def _quality(face: Face, evidence: Sequence[Evidence]) -> Verdict:
    measured = [item for item in evidence if item.question == "quality" and item.subject == face.id]
    blocked = {reason for reasons in face.reasons.values() for reason in reasons}
    label = "usable" if not face.reasons else "limited" if face.usable_for else "unusable"
    limits = f"; limits: {', '.join(sorted(blocked)).replace('_', ' ')}" if blocked else ""
    if hidden := tuple(hidden_parts(face).values()):
        limits += f"; {clause(hidden)}"
    return Verdict(
        id=f"V:{face.id}:quality",
        question="quality",
        subject=face.id,
        label=label,
        wording=f"{label.capitalize()}: unified quality {face.quality.unified:.0f} of 100{limits}.",
        supports=tuple(item.id for item in measured),
        status="stable",
    )

"""One answer for a whole picture, by a named rule over its faces.

Only questions for which one face can decide are aggregated. There is no "expression of the picture".
"""

from collections.abc import Sequence

from faceagent.types import INCONCLUSIVE, SUBJECT, Question, Rollup, Verdict

DECIDING: dict[Question, tuple[str, ...]] = {
    "forgery": ("forged",),
    "morph": ("morph",),
    "spoof": ("spoof",),
    "identity": ("genuine", "forged"),
}
"""The labels of which one face is enough, per question."""

RULE = (
    "any face: one face with the label is enough; without one, a face that leans to it, then an open face, "
    "keeps the picture open"
)


def aggregate(verdicts: Sequence[Verdict]) -> tuple[Rollup, ...]:
    """One ``Rollup`` per question of ``DECIDING`` that has verdicts on faces, in the order of ``DECIDING``."""
    found: list[Rollup] = []
    for question, labels in DECIDING.items():
        faces = [verdict for verdict in verdicts if verdict.question == question and verdict.subject != SUBJECT]
        if not faces:
            continue
        positive = [verdict for verdict in faces if verdict.label in labels]
        firm = [verdict for verdict in positive if verdict.decided]
        undecided = [verdict for verdict in faces if verdict.label == INCONCLUSIVE]
        deciding = firm or positive or undecided or faces
        found.append(
            Rollup(
                question=question,
                rule=RULE,
                label=deciding[0].label,
                faces=tuple(verdict.subject for verdict in deciding),
                status="leans" if any(verdict.status == "leans" for verdict in deciding) else "stable",
            )
        )
    return tuple(found)

"""The shipped policy of action: what to do with a verdict, by stated rules; a service may set lines of its own instead.

``act``: the adverse side was decided, that is, it passed the calibrated line with its known share of false calls.
``review``: a person should look, because the evidence leans to the adverse side, contradicts itself, or could not be
gathered from this face. ``allow``: the evidence speaks for the other side, or for neither; evidence that fits both
sides equally well leaves the matter as likely as it was before.

Acting follows a calibrated line only: a file's declaration about itself is for a person to weigh. Nothing follows from
what a face expresses or how old it looks.
"""

from collections.abc import Mapping

from faceagent.types import INCONCLUSIVE, Action, Question, Verdict

ADVERSE: Mapping[Question, frozenset[str]] = {
    "forgery": frozenset({"forged"}),
    "morph": frozenset({"morph"}),
    "spoof": frozenset({"spoof"}),
    "identity": frozenset({"other_person", "forged"}),
    "provenance": frozenset({"invalid", "declares_synthetic"}),
}
"""The labels from which an action can follow, per question."""
NOTHING_ASKED = frozenset({"no_reference", "absent", "not_installed", "not_trained_yet", "weights_missing"})
"""Reasons for which the question could not be put, or has no answer in most genuine files."""


def action_of(verdict: Verdict) -> Action | None:
    """What the policy recommends; None where no action can follow from the question, or it could not be put."""
    adverse = ADVERSE.get(verdict.question)
    if adverse is None or verdict.reason in NOTHING_ASKED:
        return None
    if verdict.label == INCONCLUSIVE:
        flat = verdict.reason in ("weak_evidence", "below_operating_point") and verdict.question != "identity"
        return "allow" if flat else "review"
    if verdict.label not in adverse:
        return "allow"
    return "act" if verdict.decided and verdict.operating_point is not None else "review"

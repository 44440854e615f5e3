"""Which answer a verdict gives: yes, leans, cannot tell, no; and which of several verdicts matters most."""

from collections.abc import Mapping, Sequence

from faceagent.types import INCONCLUSIVE, Answer, Question, Verdict

ATTACKS: tuple[Question, ...] = ("forgery", "morph", "spoof")
"""Questions whose "yes" says that the face is not what it seems."""
YES: Mapping[Question, tuple[str, ...]] = {
    "forgery": ("forged",),
    "morph": ("morph",),
    "spoof": ("spoof",),
    "identity": ("genuine",),
}
"""Labels that answer "yes", for the questions that have a yes and a no."""
CLEAN: frozenset[Answer] = frozenset({"leans_no", "no"})
"""Answers that nothing was found."""
MATCHES: tuple[Answer, ...] = ("yes", "leans_yes")
"""Answers that a face is the person of the references, the clearer one first."""
ORDER: tuple[Question, ...] = (
    "identity",
    "forgery",
    "spoof",
    "morph",
    "provenance",
    "expression",
    "action_units",
    "age",
    "gender",
    "quality",
)
"""The order in which several answers stand, unless one of them is an alarm."""
SILENT_LABELS = frozenset({"trusted", "well_formed_untrusted"})
"""Labels of provenance that are no alarm."""


def answer_of(verdict: Verdict) -> Answer:
    """The answer that a verdict gives to its question."""
    label = side_of(verdict)
    if label == INCONCLUSIVE:
        return "cannot_tell"
    if verdict.question not in YES:
        # Of several labels the first one may come first without being likely.
        likely = verdict.probability is None or verdict.status != "uncertain"
        return "described" if verdict.decided and likely else "leans_yes"
    if label in YES[verdict.question]:
        return "yes" if verdict.decided else "leans_yes"
    return "no" if verdict.decided else "leans_no"


def side_of(verdict: Verdict) -> str:
    """The label, or the one that an inconclusive verdict leans to; "inconclusive" where it leans to none.

    A sign that many bona fide faces show as well is no lean.
    """
    leaning = verdict.leaning if verdict.reason == "weak_evidence" else None
    return leaning or verdict.label


def alarm(verdict: Verdict) -> int:
    """How urgently a reader has to hear of a verdict: 0 a clear finding, 1 a lean towards one, 2 anything else."""
    answer = answer_of(verdict)
    if verdict.question == "identity" and verdict.label == "forged":
        return 0
    if verdict.question in ATTACKS:
        return {"yes": 0, "leans_yes": 1}.get(answer, 2)
    if verdict.question == "provenance" and answer == "described":
        return 2 if verdict.label in SILENT_LABELS else 0
    return 2


def match(verdict: Verdict) -> int:
    """The place of an answer in ``MATCHES``; their number for any other answer and question."""
    answer = answer_of(verdict)
    found = verdict.question == "identity" and answer in MATCHES
    return MATCHES.index(answer) if found else len(MATCHES)


def ranked(verdicts: Sequence[Verdict], subjects: Sequence[str]) -> list[Verdict]:
    """Verdicts by importance: alarms first, then those with an answer, each by question, match and subject."""
    places = {subject: place for place, subject in enumerate(subjects)}

    def importance(verdict: Verdict) -> tuple[int, bool, int, int, int]:
        return (
            alarm(verdict),
            answer_of(verdict) == "cannot_tell",
            ORDER.index(verdict.question),
            match(verdict),
            places.get(verdict.subject, len(places)),
        )

    return sorted(verdicts, key=importance)

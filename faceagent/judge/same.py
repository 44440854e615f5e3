"""Identity: is the face the person of the references, another person, or a forgery of that person?

Similarity says who a face looks like, and a forgery looks like its victim: it decides between two people, and never
against clear evidence that the face was forged or blended. Where the references come from, given on the spot or out of
a gallery, does not matter here.
"""

from collections.abc import Sequence

from faceagent.judge.decide import abstain, binary
from faceagent.types import INCONCLUSIVE, Evidence, Question, Verdict

SOURCES: tuple[Question, ...] = ("identity", "forgery", "morph")
"""Questions whose evidence bears on identity."""
DOUBT = 0.5
"""log10 LR for a forgery or a morph from which a face is not called genuine, though it is not called forged either."""


def identity(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """genuine, other_person, forged or inconclusive; the numbers are those of the similarity."""
    likeness = binary(question, subject, [item for item in evidence if item.question == "identity"])
    if likeness.label == INCONCLUSIVE:
        return likeness
    if likeness.label == "different_person":
        return likeness.model_copy(update={"label": "other_person"})
    attacks = [_attack(one, subject, evidence) for one in SOURCES[1:]]
    found = [one for one in attacks if one.label in ("forged", "morph")]
    if found:
        words = f"Forged: the face resembles the reference, but it is itself forged. {found[0].wording}"
        return _instead(likeness, "forged", words, found)
    doubted = [one for one in attacks if one.reason == "contradictory" or (one.llr or 0.0) >= DOUBT]
    if doubted:
        words = f"Inconclusive: the face resembles the reference, and may be forged. {doubted[0].wording}"
        told = abstain(question, subject, "contradictory", "it resembles the reference and may be forged")
        return told.model_copy(
            update={
                "wording": words,
                "supports": likeness.supports,
                "contradicts": doubted[0].supports,
                "llr": likeness.llr,
                "operating_point": likeness.operating_point,
                "status": "contested",
            }
        )
    measured = any(one.llr is not None for one in attacks)
    note = " No forgery was found." if measured else " Whether the face was forged could not be measured."
    return likeness.model_copy(
        update={
            "label": "genuine",
            "wording": f"Genuine: {likeness.wording[0].lower()}{likeness.wording[1:]}{note}",
            "status": likeness.status if measured else "uncertain",
        }
    )


def _attack(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    return binary(question, subject, [item for item in evidence if item.question == question])


def _instead(likeness: Verdict, label: str, words: str, found: Sequence[Verdict]) -> Verdict:
    """A verdict that the attack decides; the similarity speaks for the person, and stands against it."""
    first = found[0]
    return likeness.model_copy(
        update={
            "label": label,
            "wording": words,
            "probability": first.probability,
            "llr": first.llr,
            "supports": tuple(name for one in found for name in one.supports),
            "contradicts": likeness.supports,
            "operating_point": first.operating_point,
            "status": first.status,
        }
    )

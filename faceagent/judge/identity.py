"""Identity: is the face the person of the references, another person, or a forgery of that person?

Similarity tells whom a face looks like, and a forgery looks like its victim. So similarity decides between two people,
but never against clear evidence that the face was forged or is a morph. Where the references come from, from the
request or from a gallery, does not matter here.
"""

from collections.abc import Sequence

from faceagent.judge.decide import abstain, binary
from faceagent.types import INCONCLUSIVE, Evidence, Question, Verdict

SOURCES: tuple[Question, ...] = ("identity", "forgery", "morph")
"""Questions whose evidence counts for identity."""
DOUBT = 0.5
"""log10 LR for a forgery or a morph from which a face is called neither genuine nor forged."""


def decide(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    """genuine, other_person, forged or inconclusive; the numbers are those of the similarity."""
    compared = [item for item in evidence if item.question == "identity"]
    similarity = binary(question, subject, compared)
    note = _reference_note(similarity, compared)
    similarity = _named(similarity.model_copy(update={"wording": similarity.wording + note}))
    attacks = [_attack(one, subject, evidence) for one in SOURCES[1:]]
    if similarity.leaning == "genuine" and any((one.llr or 0.0) >= DOUBT for one in attacks):
        # A forgery looks like its victim: a weak likeness that may be forged leans to nobody.
        return similarity.model_copy(update={"leaning": None, "reason": "contradictory", "status": "contested"})
    if similarity.label in (INCONCLUSIVE, "other_person"):
        return similarity
    found = [one for one in attacks if one.firm_label in ("forged", "morph")]
    if found:
        words = f"Forged: the face resembles the reference, but it is itself forged. {found[0].wording}"
        return _attack_verdict(similarity, "forged", words, found)
    doubted = [one for one in attacks if one.reason == "contradictory" or (one.llr or 0.0) >= DOUBT]
    if doubted:
        words = f"Inconclusive: the face resembles the reference, and may be forged. {doubted[0].wording}"
        inconclusive = abstain(question, subject, "contradictory", "it resembles the reference and may be forged")
        return inconclusive.model_copy(
            update={
                "wording": words,
                "supports": similarity.supports,
                "contradicts": doubted[0].supports,
                "llr": similarity.llr,
                "strength": similarity.strength,
                "positive": similarity.positive,
                "operating_point": similarity.operating_point,
                "status": "contested",
            }
        )
    measured = any(one.llr is not None for one in attacks)
    note = " No forgery was found." if measured else " Whether the face was forged could not be measured."
    return similarity.model_copy(
        update={
            "wording": f"Genuine: {similarity.wording[0].lower()}{similarity.wording[1:]}{note}",
            "status": similarity.status if measured else "uncertain",
        }
    )


def _named(similarity: Verdict) -> Verdict:
    """The verdict in the labels of identity. A lean stays inconclusive: access can depend on the label."""
    if similarity.label == INCONCLUSIVE:
        return similarity
    label = "other_person" if similarity.label == "different_person" else "genuine"
    if similarity.decided:
        return similarity.model_copy(update={"label": label})
    return similarity.model_copy(
        update={
            "label": INCONCLUSIVE,
            "leaning": label,
            "status": "uncertain",
            "reason": "weak_evidence",
            "wording": f"Inconclusive: {similarity.wording[0].lower()}{similarity.wording[1:]}",
        }
    )


def _reference_note(similarity: Verdict, compared: Sequence[Evidence]) -> str:
    """Which of several reference faces the answer is about, and how the others compare; empty for a single one."""
    item = next((one for one in compared if "reference_face" in one.facts), None)
    if item is None:
        return ""
    face, total = str(item.facts["reference_face"]), f"{float(item.facts['reference_faces']):.0f}"
    if not similarity.decided:
        return f" The references show {total} faces; the most alike is {face}."
    if similarity.firm_label == "different_person":
        return f" None of the {total} faces that the references show matches; the most alike is {face}."
    line = similarity.operating_point.threshold if similarity.operating_point else 1.0
    crowding = float(item.facts.get("crowding", 0.0))
    own = {f"cosine_{name}" for name in face.split(" and ")}
    also = [
        name.removeprefix("cosine_")
        for name, value in item.facts.items()
        if name.startswith("cosine_") and name not in own and isinstance(value, float) and value - crowding >= line
    ]
    others = f"{', '.join(also)} would match as well" if also else "the others do not match"
    return f" The match is {face} of {total} faces that the references show; {others}."


def _attack(question: Question, subject: str, evidence: Sequence[Evidence]) -> Verdict:
    return binary(question, subject, [item for item in evidence if item.question == question])


def _attack_verdict(similarity: Verdict, label: str, words: str, found: Sequence[Verdict]) -> Verdict:
    """The verdict when an attack decides; the similarity counts as contradicting evidence."""
    first = found[0]
    return similarity.model_copy(
        update={
            "label": label,
            "wording": words,
            "probability": first.probability,
            "llr": first.llr,
            "strength": first.strength,
            "supports": tuple(name for one in found for name in one.supports),
            "contradicts": similarity.supports,
            "operating_point": first.operating_point,
            "status": first.status,
        }
    )
